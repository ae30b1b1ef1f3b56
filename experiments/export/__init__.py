"""Export a trained network from its run folder for other programs, checked and measured.

Command:  ./run.sh export --run=runs/quickstart/<id> [--row="soft targets, T=2"] [--seed=0]
          without --row it lists the networks of that run
Takes:    half a minute on 2 CPU cores
Expected: every format gives the same logits to 1e-5 in a process of its own; int8 is a quarter of
          the bytes and loses at most 0.2 points of accuracy
Needs:    export onnx

StableHLO is for jax.export on CPU, CUDA and TPU and needs no kd_jax; safetensors is read by kd_jax
and by whoever knows the network; ONNX is for onnxruntime. Beside them lie a model card, a report
as JSON and predict.py, which runs them.
"""
