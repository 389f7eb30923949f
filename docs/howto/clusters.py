"""
Clusters: Dask and Slurm
========================

Checkpoints, and the cells of studies, are measured side by side: in processes here, or on a cluster through Dask.
Each is a job of its own, and what is in the folder already is not measured again: a job that was killed is sent anew by
the same command.

On Slurm, start Dask's scheduler and workers inside one allocation, and name the file that the scheduler writes. This
is the whole script for ``sbatch``:

.. code-block:: bash

    #!/bin/bash
    #SBATCH --ntasks=9 --cpus-per-task=4 --mem-per-cpu=4G --time=02:00:00
    export OMP_NUM_THREADS=4
    FILE=$PWD/scheduler-$SLURM_JOB_ID.json
    dask scheduler --scheduler-file $FILE --no-dashboard &
    srun --ntasks=8 dask worker --scheduler-file $FILE --nthreads 1 --no-dashboard &
    deepnrc probe net.py:build --checkpoint 'ck/*.pt' --data data.npz --out runs/all \\
        --jobs 8 --backend dask --scheduler $FILE

Or let ``dask-jobqueue`` ask Slurm for the workers, from a process that stays on the login node. A client that is
connected is used:

.. code-block:: python

    from dask.distributed import Client
    from dask_jobqueue import SLURMCluster

    cluster = SLURMCluster(cores=4, processes=1, memory="16GB", walltime="02:00:00")
    cluster.scale(jobs=8)
    with Client(cluster):
        deepnrc.probe_checkpoints(model, "ck/*.pt", data, folder="runs/all", jobs=8, backend="dask")

``DASK_SCHEDULER_ADDRESS`` names a scheduler that runs already, as ``--scheduler tcp://10.0.0.1:8786`` does. Studies
take the same flags: ``python -m experiments synthetic --jobs 8 --backend dask --scheduler $FILE``.
"""

import tempfile
from pathlib import Path

import torch

import deepnrc

# %%
# The same call without a cluster, which is what the jobs do one by one.

torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2))
folder = Path(tempfile.mkdtemp())
for step in (0, 100):
    torch.save(model.state_dict(), folder / f"step-{step}.pt")

data = (torch.randn(200, 8), torch.randn(200, 2))
report = deepnrc.probe_checkpoints(model, folder, data, folder=folder / "run", progress=False)
print(report.steps)
