"""Command lines in a cmd shell, each by pywinrm, as standard input says; what came of each on standard output."""

import json
import sys

import winrm

given = json.load(sys.stdin)
scheme = "https" if "ca" in given else "http"
session = winrm.Session(
    f"{scheme}://{given['host']}:{given['port']}/wsman",
    auth=(given["userName"], given["password"]),
    transport=given["transport"],
    ca_trust_path=given.get("ca"),
    message_encryption=given.get("encryption", "auto"),
    operation_timeout_sec=1,
    read_timeout_sec=30,
)


def result(out, err, code):
    return {"out": out.decode("utf-8"), "err": err.decode("utf-8"), "code": code}


def in_utf8(command, arguments=()):
    """As Session.run_cmd, but for the code page of the shell."""
    shell = session.protocol.open_shell(codepage=65001)
    command_id = session.protocol.run_command(shell, command, arguments)
    seen = session.protocol.get_command_output(shell, command_id)
    session.protocol.cleanup_command(shell, command_id)
    session.protocol.close_shell(shell)
    return result(*seen)


def run(how, *arguments):
    if how == "utf8":
        return in_utf8(arguments[0], arguments[1:])
    seen = session.run_ps(arguments[0]) if how == "ps" else session.run_cmd(arguments[0], arguments[1:])
    return result(seen.std_out, seen.std_err, seen.status_code)


json.dump([run(*each) for each in given["runs"]], sys.stdout)
