#!/bin/sh
# AZ_BATCH_HOST_LIST names the nodes of the task, the primary first. Process nodes all have the same address.
set -eu
nodes=$(echo "$AZ_BATCH_HOST_LIST" | tr , '\n' | wc -l)
hosts=$(echo "$AZ_BATCH_HOST_LIST" | tr , '\n' | sort | uniq -c | awk '{ printf "%s%s:%d", sep, $2, 2 * $1; sep = "," }')
[ $# -gt 0 ] || set -- /bin/sh ./rank.sh
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# Other machines are reached by ssh; nodes come and go, so nobody has seen their host keys before.
export OMPI_MCA_plm_rsh_args='-o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR'
# The common resource files are in the same place on all of them.
exec mpirun --host "$hosts" -np $((2 * nodes)) -wdir "$AZ_BATCH_TASK_SHARED_DIR" "$@"
