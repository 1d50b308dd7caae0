#!/bin/sh
# AZ_BATCH_HOST_LIST names the nodes of the task, the primary first. Process nodes all have the same address.
set -eu
nodes=$(echo "$AZ_BATCH_HOST_LIST" | tr , '\n' | wc -l)
hosts=$(echo "$AZ_BATCH_HOST_LIST" | tr , '\n' | sort | uniq -c | awk '{ printf "%s%s:%d", sep, $2, 2 * $1; sep = "," }')
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
exec mpirun --host "$hosts" -np $((2 * nodes)) /bin/sh "$PWD/rank.sh"
