"""
A PowerShell of a few commands on psrpcore's server, behind the framing that `pwsh -s` speaks on standard input and output.

As strict as PowerShell's own mediator, or stricter: each line is handled by a thread of its own, acknowledgements come late, the
pool's Close is answered once every pipeline was closed, and at the end of its input it complains and leaves with code 160. A
client that breaks a rule of the framing is told so on standard error, and the process ends with code 3.
"""

import base64
import os
import random
import re
import sys
import threading
import time
import uuid

from psrpcore import (
    CreatePipelineEvent,
    EndOfPipelineInputEvent,
    PipelineHostResponseEvent,
    PipelineInputEvent,
    PSRPPayload,
    PublicKeyEvent,
    ResetRunspaceStateEvent,
    ServerPipeline,
    ServerRunspacePool,
    StreamType,
)
from psrpcore.types import (
    ErrorCategory,
    ErrorCategoryInfo,
    ErrorDetails,
    ErrorRecord,
    HostMethodIdentifier,
    NETException,
    ProgressRecordType,
    PSByte,
    PSByteArray,
    PSChar,
    PSCredential,
    PSDateTime,
    PSDecimal,
    PSDouble,
    PSDuration,
    PSGuid,
    PSInt,
    PSInt16,
    PSInt64,
    PSInvocationState,
    PSSByte,
    PSScriptBlock,
    PSSecureString,
    PSSingle,
    PSUInt,
    PSUInt16,
    PSUInt64,
    PSUri,
    PSVersion,
    PSXml,
)

ZERO = uuid.UUID(int=0)
PACKET = re.compile(r"^<(\w+) (?:Stream='(\w+)' )?PSGuid='([0-9a-f-]+)' ?(?:/>|>(.*)</\1>)$")

pool = ServerRunspacePool(application_private_data={"PSVersionTable": {"PSVersion": PSVersion("5.1.14393.1884")}})
variables = {}
inputs = {}
# Whether keys were exchanged, and pipelines that wait for that.
keyed = False
secretive = []


def write(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def flush():
    while True:
        payload = pool.data_to_send(32768)
        if not payload:
            return
        stream = "PromptResponse" if payload.stream_type == StreamType.prompt_response else "Default"
        data = base64.b64encode(payload.data).decode()
        write(f"<Data Stream='{stream}' PSGuid='{payload.pipeline_id or ZERO}'>{data}</Data>")


def record(message):
    return ErrorRecord(
        Exception=NETException(Message=message),
        CategoryInfo=ErrorCategoryInfo(Category=ErrorCategory.ObjectNotFound, Activity="Fail", Reason="NETException"),
        FullyQualifiedErrorId="NotThere,Fail",
    )


def seen(value):
    """A value as this side understood it: its type here and its text."""
    if isinstance(value, PSCredential):
        return f"PSCredential {value.UserName} {value.Password.decrypt()}"
    if isinstance(value, PSSecureString):
        return f"PSSecureString {value.decrypt()}"
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__} [" + ", ".join(seen(item) for item in value) + "]"
    if isinstance(value, dict):
        return f"{type(value).__name__} {{" + ", ".join(f"{key}={seen(item)}" for key, item in value.items()) + "}"
    return f"{type(value).__name__} {value!r}" if isinstance(value, bytes) else f"{type(value).__name__} {value}"


PRIMITIVES = [
    "text _x0041_ \U0001d11e \x00",
    PSChar("ä"),
    True,
    PSDateTime(2024, 2, 29, 12, 34, 56, 123456, nanosecond=700),
    PSDuration(days=1, hours=2, seconds=3, microseconds=4),
    PSByte(255),
    PSSByte(-128),
    PSUInt16(65535),
    PSInt16(-32768),
    PSUInt(4294967295),
    PSInt(-2147483648),
    PSUInt64(18446744073709551615),
    PSInt64(-9223372036854775808),
    PSSingle(1.5),
    PSDouble(-2.25),
    PSDecimal("79228162514264337593543950335"),
    PSByteArray(b"\x00\xff"),
    PSGuid("11111111-2222-4333-8444-555555555555"),
    PSUri("http://example.test/a?b=c"),
    PSVersion("1.2.3.4"),
    PSXml("<a b='c'>d</a>"),
    PSScriptBlock("$a -eq 'b'"),
    None,
    [1, [2, "three"]],
    {"key": {"nested": True}},
]


def tell_secrets(pipeline):
    pipeline.write_output(PSSecureString("from the server \U0001f600"))
    pipeline.write_output(PSCredential(UserName="DOM\\u", Password=PSSecureString("")))


def run(pipeline):
    """Runs the commands; what waits for something else goes on in the events below."""
    for command in pipeline.metadata.commands:
        name = command.command_text
        values = [value for _, value in command.parameters]
        if name in ("Write-Output", "Echo-Value"):
            for value in values:
                pipeline.write_output(value)
        elif name == "Show":
            for key, value in command.parameters:
                pipeline.write_output(f"{key}: {seen(value)}")
        elif name == "Get-Primitive":
            for value in PRIMITIVES:
                pipeline.write_output(value)
        elif name == "Get-Secret":
            if not keyed:
                # As PowerShell: the pipeline is blocked until the client has answered the pool.
                secretive.append(pipeline)
                pool.request_key()
                return
            tell_secrets(pipeline)
        elif name == "Write-Stream":
            pipeline.write_output("out")
            pipeline.write_debug("debug")
            pipeline.write_verbose("verbose")
            pipeline.write_warning("warning")
            pipeline.write_information("information", "source", tags=["tag"])
            pipeline.write_progress("Activity", 1, "half", "operation", percent_complete=50, seconds_remaining=9)
            pipeline.write_progress("Activity", 1, "done", record_type=ProgressRecordType.Completed)
            pipeline.write_error(
                NETException(Message="locked"),
                ErrorCategoryInfo(Category=ErrorCategory.ResourceBusy, Activity="Write-Stream", TargetName="vm"),
                target_object="vm-1",
                fully_qualified_error_id="Locked,Write-Stream",
                error_details=ErrorDetails(Message="details", RecommendedAction="wait"),
            )
        elif name == "Fail":
            pipeline._change_state(PSInvocationState.Failed, error=record(values[0]))
            return
        elif name == "Ask":
            pipeline.host_call(HostMethodIdentifier.WriteLine2, ["before"])
            pipeline.host_call(HostMethodIdentifier[values[0]], ["Confirm", "Remove the VM?"])
            return
        elif name == "Wait":
            pipeline.write_output("waiting")
            return
        elif name == "Die":
            sys.stderr.write("out of memory\n")
            sys.stderr.flush()
            os._exit(134)
        elif name == "Read-Input":
            inputs[pipeline.pipeline_id] = []
            return
        elif name == "Set-Global":
            variables[values[0]] = values[1]
        elif name == "Get-Global":
            pipeline.write_output(variables.get(values[0]))
        elif name == "Get-Line":
            for _ in range(values[0]):
                pipeline.write_output("x" * values[1])
        elif name == "Get-Text":
            pipeline.write_output("aä\U0001d11e" * values[0])
    pipeline.complete()


def handle(event):
    if isinstance(event, CreatePipelineEvent):
        pipeline = pool.pipeline_table[event.pipeline_id]
        pipeline.start()
        run(pipeline)
    elif isinstance(event, PipelineInputEvent):
        # A pipeline that has ended, or reads none, lets it pass.
        inputs.get(event.pipeline_id, []).append(event.data)
    elif isinstance(event, EndOfPipelineInputEvent) and event.pipeline_id in inputs:
        pipeline = pool.pipeline_table[event.pipeline_id]
        for value in inputs.pop(event.pipeline_id):
            pipeline.write_output(value)
        pipeline.complete()
    elif isinstance(event, PipelineHostResponseEvent):
        pipeline = pool.pipeline_table[event.pipeline_id]
        pipeline.write_output(str(event.error.Exception.Message) if event.error else event.result)
        pipeline.complete()
    elif isinstance(event, PublicKeyEvent):
        global keyed
        keyed = True
        while secretive:
            pipeline = secretive.pop()
            tell_secrets(pipeline)
            pipeline.complete()
    elif isinstance(event, ResetRunspaceStateEvent):
        variables.clear()
        pool.runspace_availability_response(event.ci, True)


lock = threading.Lock()
# GUIDs whose last packet was not acknowledged yet, pipelines that were not closed yet.
unanswered = set()
open_pipelines = set()
all_closed = threading.Condition(lock)


def broken(rule):
    sys.stderr.write(f"broken rule: {rule}\n")
    sys.stderr.flush()
    os._exit(3)


def serve(packet, stream, text, data):
    # Threads take lines as they come: whoever sends two of one GUID at once finds them mixed up.
    time.sleep(random.random() * 0.002)
    guid = uuid.UUID(text)
    with lock:
        pipeline = pool.pipeline_table.get(guid)
        if packet == "Command":
            open_pipelines.add(guid)
            ServerPipeline(pool, guid)
        elif packet == "Data":
            # A pipeline that is closed lets its data pass, and acknowledges it.
            if guid == ZERO or guid in open_pipelines:
                kind = StreamType.prompt_response if stream == "PromptResponse" else StreamType.default
                pool.receive_data(PSRPPayload(base64.b64decode(data), kind, None if guid == ZERO else guid))
                while True:
                    event = pool.next_event()
                    if event is None:
                        break
                    handle(event)
        elif packet == "Signal":
            if guid == ZERO:
                broken("a pool takes no Signal")
            if pipeline is not None and pipeline.state == PSInvocationState.Running:
                pipeline.begin_stop()
                pipeline.stop()
        elif packet == "Close" and guid == ZERO:
            all_closed.wait_for(lambda: not open_pipelines)
            pool.begin_close()
            pool.close()
        elif packet == "Close":
            if pipeline is not None and pipeline.state == PSInvocationState.Running:
                # Ended without a word.
                del pool.pipeline_table[guid]
            elif pipeline is not None:
                pipeline.close()
            open_pipelines.discard(guid)
            all_closed.notify_all()
        flush()
        unanswered.discard(guid)
        write(f"<{packet}Ack PSGuid='{text}' />")


def end():
    sys.stderr.write("The input stream has ended.\n")
    sys.stderr.flush()
    os._exit(160)


for line in sys.stdin:
    line = line.rstrip("\r\n")
    if line == "":
        end()
    match = PACKET.match(line)
    if match is None:
        broken(f"no packet: {line[:80]}")
    packet, stream, text, data = match.groups()
    if packet not in ("Data", "Command", "Signal", "Close"):
        broken(f"a server takes no {packet}")
    if (stream is not None) != (packet == "Data"):
        broken(f"attributes of {packet}")
    guid = uuid.UUID(text)
    with lock:
        if guid in unanswered:
            broken(f"{packet} before the packet before it was acknowledged")
        unanswered.add(guid)
    threading.Thread(target=serve, args=(packet, stream, text, data), daemon=True).start()
end()
