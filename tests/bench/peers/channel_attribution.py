"""Runs in the peers' own environment: times ChannelAttribution's Markov model on a file of paths, prints JSON."""

import json
import sys
import time

import ChannelAttribution
import pandas

file, order, seeds = sys.argv[1], int(sys.argv[2]), [int(seed) for seed in sys.argv[3].split(",")]
frame = pandas.read_csv(file)
found = []
for seed in seeds:
    cpu, wall = time.process_time(), time.perf_counter()
    result = ChannelAttribution.markov_model(
        frame,
        "path",
        "conversions",
        var_null="non_conversions",
        order=order,
        sep=">",
        seed=seed,
        verbose=False,
        flg_pro=False,
    )
    used = time.process_time() - cpu, time.perf_counter() - wall
    credit = dict(zip(map(str, result.iloc[:, 0]), map(float, result.iloc[:, 1]), strict=True))
    found.append({"cpu": used[0], "wall": used[1], "credit": credit})
print(json.dumps(found))
