"""The life of a pool and its jobs, told by the azure-batch package as it is.

One chapter a call: azure-batch-story.py CHAPTER. Where and as whom is in the environment (BATCH_URL,
BATCH_ACCOUNT, BATCH_KEY). A chapter that fails ends with its traceback.
"""

import base64
import datetime
import os
import sys
import time

from azure.batch import BatchServiceClient
from azure.batch import models
from azure.batch.batch_auth import SharedKeyCredentials

credentials = SharedKeyCredentials(os.environ["BATCH_ACCOUNT"], os.environ["BATCH_KEY"])
client = BatchServiceClient(credentials, os.environ["BATCH_URL"])
THUMBPRINT = os.environ.get("THUMBPRINT", "")


def wait_for(what, look, seconds=60):
    until = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(0.05)


def refused(code, deed):
    try:
        deed()
    except models.BatchErrorException as error:
        assert error.error.code == code, f"{error.error.code} instead of {code}"
        assert error.error.message.value, "an error without a text"
        return error
    raise AssertionError(f"not refused with {code}")


def steady(pool_id):
    return wait_for(
        f"pool {pool_id} to be steady",
        lambda: (pool := client.pool.get(pool_id)).allocation_state == models.AllocationState.steady and pool,
    )


def completed(job_id, task_id):
    return wait_for(
        f"task {task_id} to complete",
        lambda: (task := client.task.get(job_id, task_id)).state == models.TaskState.completed and task,
    )


def text_of(stream):
    return b"".join(stream).decode()


def configuration():
    return models.VirtualMachineConfiguration(
        image_reference=models.ImageReference(publisher="batchyard", offer="process", sku="local"),
        node_agent_sku_id="batch.node.process",
    )


def account():
    images = list(client.account.list_supported_images())
    assert any(image.node_agent_sku_id == "batch.node.process" for image in images)
    assert list(client.account.list_pool_node_counts()) == []
    assert list(client.application.list()) == []
    refused("ApplicationNotFound", lambda: client.application.get("nothing"))


def certificate():
    client.certificate.add(
        models.CertificateAddParameter(
            thumbprint=THUMBPRINT,
            thumbprint_algorithm="sha1",
            data=os.environ["PFX"],
            certificate_format=models.CertificateFormat.pfx,
            password="secret",
        )
    )
    [listed] = list(client.certificate.list())
    assert listed.thumbprint == THUMBPRINT
    read = client.certificate.get("sha1", THUMBPRINT)
    assert read.state == models.CertificateState.active
    assert base64.b64decode(read.public_data)
    refused("CertificateStateActive", lambda: client.certificate.cancel_deletion("sha1", THUMBPRINT))


def pool():
    client.pool.add(
        models.PoolAddParameter(
            id="Python",
            vm_size="standard_d1_v2",
            virtual_machine_configuration=configuration(),
            target_dedicated_nodes=1,
            task_slots_per_node=2,
            metadata=[models.MetadataItem(name="made by", value="azure-batch")],
            certificate_references=[
                models.CertificateReference(
                    thumbprint=THUMBPRINT,
                    thumbprint_algorithm="sha1",
                    visibility=[models.CertificateVisibility.task],
                )
            ],
            start_task=models.StartTask(command_line="/bin/true", wait_for_success=True),
        )
    )
    assert client.pool.exists("PYTHON") and not client.pool.exists("nothing")
    assert steady("python").id == "Python"
    assert [pool.id for pool in client.pool.list(models.PoolListOptions(filter="state eq 'active'"))] == ["Python"]
    wait_for(
        "an idle node",
        lambda: [node for node in client.compute_node.list("python") if node.state == models.ComputeNodeState.idle],
    )
    client.pool.patch("python", models.PoolPatchParameter(metadata=[models.MetadataItem(name="a", value="b")]))
    assert client.pool.get("python").metadata[0].name == "a"
    refused(
        "PoolExists",
        lambda: client.pool.add(
            models.PoolAddParameter(
                id="python", vm_size="standard_d1_v2", virtual_machine_configuration=configuration()
            )
        ),
    )


def etag():
    """Reads and changes under conditions."""
    tag = client.pool.get("python").e_tag
    refused("ConditionNotMet", lambda: client.pool.get("python", models.PoolGetOptions(if_match="0x0")))
    assert client.pool.get("python", models.PoolGetOptions(if_match=tag)).e_tag == tag
    patch = models.PoolPatchParameter(metadata=[])
    client.pool.patch("python", patch, models.PoolPatchOptions(if_match=tag))
    refused("ConditionNotMet", lambda: client.pool.patch("python", patch, models.PoolPatchOptions(if_match=tag)))
    later = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
    refused("ConditionNotMet", lambda: client.pool.get("python", models.PoolGetOptions(if_unmodified_since=later)))


def job():
    pool_info = models.PoolInformation(pool_id="Python")
    client.job.add(models.JobAddParameter(id="story", pool_info=pool_info, uses_task_dependencies=True, priority=7))
    assert client.job.get("STORY").priority == 7
    client.job.patch("story", models.JobPatchParameter(priority=8))
    client.job.update("story", models.JobUpdateParameter(pool_info=pool_info, priority=9))
    assert [job.priority for job in client.job.list(models.JobListOptions(select="id,priority"))] == [9]
    client.job.disable("story", models.DisableJobOption.requeue)
    wait_for("the job to be disabled", lambda: client.job.get("story").state == models.JobState.disabled)
    client.job.enable("story")


def tasks():
    shell = "/bin/sh -c '{}'".format
    client.task.add("story", models.TaskAddParameter(id="first", command_line=shell("echo from python; exit 3")))
    first = completed("story", "first")
    assert first.execution_info.exit_code == 3
    assert first.execution_info.result == models.TaskExecutionResult.failure
    assert first.execution_info.failure_info.category == models.ErrorCategory.user_error
    many = [models.TaskAddParameter(id=f"t{n}", command_line="/bin/true") for n in range(250)]
    many.append(
        models.TaskAddParameter(
            id="last", command_line="/bin/true", depends_on=models.TaskDependencies(task_ids=["t0", "t249"])
        )
    )
    added = client.task.add_collection("story", many, threads=2)
    assert len(added.value) == 251 and all(one.status == models.TaskAddStatus.success for one in added.value)
    completed("story", "last")
    options = models.TaskListOptions(filter="startswith(id, 't')", max_results=100)
    assert len({task.id for task in client.task.list("story", options)}) == 250
    assert client.job.get_task_counts("story").task_counts.failed == 1
    client.task.reactivate("story", "first")
    completed("story", "first")
    assert client.task.list_subtasks("story", "first").value == []
    client.task.add("story", models.TaskAddParameter(id="long", command_line=shell("sleep 600")))
    wait_for("the task to run", lambda: client.task.get("story", "long").state == models.TaskState.running)
    client.task.update("story", "long", models.TaskConstraints(max_wall_clock_time=datetime.timedelta(hours=1)))
    assert client.task.get("story", "long").constraints.max_wall_clock_time == datetime.timedelta(hours=1)
    client.task.terminate("story", "long")
    completed("story", "long")
    client.task.delete("story", "long")
    refused("TaskNotFound", lambda: client.task.get("story", "long"))


def files():
    names = {file.name for file in client.file.list_from_task("story", "first", recursive=True)}
    assert {"stdout.txt", "stderr.txt", "wd"} <= names, names
    assert text_of(client.file.get_from_task("story", "first", "stdout.txt")) == "from python\n"
    part = models.FileGetFromTaskOptions(ocp_range="bytes=5-10")
    assert text_of(client.file.get_from_task("story", "first", "stdout.txt", part)) == "python"
    properties = client.file.get_properties_from_task("story", "first", "stdout.txt", raw=True)
    assert properties.headers["Content-Length"] == 12, properties.headers
    [node] = list(client.compute_node.list("python"))
    assert client.compute_node.get("python", node.id).id == node.id
    found = [file.name for file in client.file.list_from_compute_node("python", node.id, recursive=True)]
    on_node = next(name for name in found if name.endswith("/first/stdout.txt"))
    assert text_of(client.file.get_from_compute_node("python", node.id, on_node)) == "from python\n"
    client.file.get_properties_from_compute_node("python", node.id, on_node)
    client.file.delete_from_compute_node("python", node.id, on_node)
    refused("FileNotFound", lambda: client.file.get_from_task("story", "first", "stdout.txt"))
    client.file.delete_from_task("story", "first", "stderr.txt")


def nodes():
    [node] = list(client.compute_node.list("python"))
    client.compute_node.disable_scheduling("python", node.id)
    assert client.compute_node.get("python", node.id).scheduling_state == models.SchedulingState.disabled
    client.compute_node.enable_scheduling("python", node.id)
    comes_back(node, lambda: client.compute_node.reboot("python", node.id))
    comes_back(node, lambda: client.compute_node.reimage("python", node.id))


def comes_back(node, deed):
    booted = client.compute_node.get("python", node.id).last_boot_time
    deed()
    wait_for(
        "the node to come back",
        lambda: (read := client.compute_node.get("python", node.id)).state == models.ComputeNodeState.idle
        and read.last_boot_time > booted,
    )


def resize():
    client.pool.resize("python", models.PoolResizeParameter(target_dedicated_nodes=2))
    assert steady("python").current_dedicated_nodes == 2
    first = next(iter(client.compute_node.list("python"))).id
    client.pool.remove_nodes("python", models.NodeRemoveParameter(node_list=[first]))
    assert steady("python").current_dedicated_nodes == 1
    client.pool.resize("python", models.PoolResizeParameter(target_dedicated_nodes=0, target_low_priority_nodes=0))
    assert steady("python").current_dedicated_nodes == 0
    counts = list(client.account.list_pool_node_counts())
    assert [(count.pool_id, count.dedicated.total) for count in counts] == [("Python", 0)]


def schedule():
    specification = models.JobSpecification(pool_info=models.PoolInformation(pool_id="Python"))
    day = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(days=1)
    later = models.Schedule(do_not_run_until=day)
    client.job_schedule.add(models.JobScheduleAddParameter(id="later", schedule=later, job_specification=specification))
    assert client.job_schedule.exists("later")
    assert client.job_schedule.get("later").schedule.do_not_run_until == day
    client.job_schedule.patch("later", models.JobSchedulePatchParameter(metadata=[]))
    client.job_schedule.update(
        "later", models.JobScheduleUpdateParameter(schedule=later, job_specification=specification)
    )
    client.job_schedule.disable("later")
    client.job_schedule.enable("later")
    assert [one.id for one in client.job_schedule.list()] == ["later"]
    assert list(client.job.list_from_job_schedule("later")) == []
    client.job_schedule.terminate("later")
    client.job_schedule.delete("later")


def certificate_in_use():
    client.certificate.delete("sha1", THUMBPRINT)
    failed = wait_for(
        "the deletion of a certificate in use to fail",
        lambda: (read := client.certificate.get("sha1", THUMBPRINT)).state == models.CertificateState.delete_failed
        and read,
    )
    assert failed.delete_certificate_error.code == "PoolsReferencingCertificate"
    client.certificate.cancel_deletion("sha1", THUMBPRINT)
    assert client.certificate.get("sha1", THUMBPRINT).state == models.CertificateState.active


def end():
    refused(
        "JobPreparationTaskOrReleaseTaskNotSpecified",
        lambda: list(client.job.list_preparation_and_release_task_status("story")),
    )
    client.job.terminate("story", terminate_reason="told")
    wait_for("the job to complete", lambda: client.job.get("story").state == models.JobState.completed)
    assert client.job.get("story").execution_info.terminate_reason == "told"
    client.job.delete("story")
    client.pool.delete("python")
    wait_for("the pool to go", lambda: not client.pool.exists("python"))
    client.certificate.delete("sha1", THUMBPRINT)
    wait_for("the certificate to go", lambda: list(client.certificate.list()) == [])


chapters = (account, certificate, pool, etag, job, tasks, files, nodes, resize, schedule, certificate_in_use, end)
dict((chapter.__name__, chapter) for chapter in chapters)[sys.argv[1]]()
