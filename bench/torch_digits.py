"""PyTorch's side of bench/batches.py, run by the interpreter of an environment that has PyTorch."""

import argparse
import itertools
import json
import os
import time

import mnist
import numpy as np
import torch

HIDDEN = (200, 200)
RATE, BETAS = 0.003, (0.9, 0.99)  # as daskdl's Adam in batches.py; the rate falls along a cosine
EPOCHS = range(2, 9)
TIMED = 12_000  # rows over which each setting is timed


def main() -> None:
    """Print what each setting takes, then as JSON the fastest one that reached the target."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--target", type=float, required=True)
    arguments.add_argument("--batches", type=int, nargs="+", required=True)
    given = arguments.parse_args()
    digits = mnist.load()
    lit = digits.train_x.std(axis=0) > 0
    x, test = (digits.train_x[:, lit], digits.test_x[:, lit])
    rows = [torch.from_numpy(mnist.standardised(part, like=x)) for part in (x, test)]
    labels = [torch.from_numpy(part.astype(np.int64)) for part in (digits.train_y, digits.test_y)]
    best = None
    for batch in given.batches:
        threads = min((1, len(os.sched_getaffinity(0))), key=lambda n: timed(rows[0], labels[0], batch, n))
        torch.set_num_threads(threads)
        for epochs in EPOCHS:
            network, seconds, processor = trained(rows[0], labels[0], batch, epochs * len(x))
            error = float((network(rows[1]).argmax(1) != labels[1]).float().mean())
            print(f"  batch {batch}, {threads} threads, {epochs} epochs: {100 * error:.2f} %, {seconds:.1f} seconds")
            if error <= given.target or (best is not None and seconds > best["seconds"]):
                break
        if error <= given.target and (best is None or seconds < best["seconds"]):
            found = {"error": error, "epochs": epochs, "seconds": seconds, "processor_seconds": processor}
            best = {**found, "batch": batch, "threads": threads, "version": torch.__version__}
    if best is None:
        raise SystemExit(f"No setting reached a test error of {given.target}.")
    print(json.dumps(best))


def timed(rows: torch.Tensor, labels: torch.Tensor, batch: int, threads: int) -> float:
    """Return the seconds of some batches."""
    torch.set_num_threads(threads)
    trained(rows, labels, batch, 10 * batch)
    return trained(rows, labels, batch, TIMED)[1]


def trained(rows: torch.Tensor, labels: torch.Tensor, batch: int, samples: int) -> tuple[torch.nn.Module, float, float]:
    """Return a network after so many samples, and the seconds and processor seconds that these took."""
    torch.manual_seed(1)
    widths = (rows.shape[1], *HIDDEN)
    layers = [module for i, o in itertools.pairwise(widths) for module in (torch.nn.Linear(i, o), torch.nn.ReLU())]
    network = torch.nn.Sequential(*layers, torch.nn.Linear(HIDDEN[-1], mnist.CLASSES))
    optimizer, loss = (
        torch.optim.Adam(network.parameters(), lr=RATE, betas=BETAS, fused=True),
        torch.nn.CrossEntropyLoss(),
    )
    steps = sum(-(-min(len(rows), samples - low) // batch) for low in range(0, samples, len(rows)))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    began, spent = time.perf_counter(), time.process_time()
    for low in range(0, samples, len(rows)):
        order = torch.randperm(len(rows))[: samples - low]
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            optimizer.zero_grad()
            loss(network(rows[chosen]), labels[chosen]).backward()
            optimizer.step()
            schedule.step()
    return network, time.perf_counter() - began, time.process_time() - spent


if __name__ == "__main__":
    main()
