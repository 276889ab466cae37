"""What a training job does next, decided without touching anything."""
