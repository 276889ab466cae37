"""Dispatch of trainings as jobs, which go on by themselves: in a thread here, or beside the scheduler."""
