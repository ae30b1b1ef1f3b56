"""Exporting a student: StableHLO, ONNX, safetensors and int8, checked.

Command:  ./run.sh export --run=runs/quickstart/<id> [--row="soft targets, T=8"] [--seed=0]
          without --row it lists the networks of that run; [--push=owner/name] uploads one
Takes:    30 seconds on 2 CPU cores
Found:    Every format gives the same logits to 1e-5; int8 quarters the bytes. It loses at most
          0.2 points of accuracy, or is not written
Needs:    export onnx
"""
