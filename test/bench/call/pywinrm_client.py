"""pywinrm: a WinRS shell for each caller, in which PowerShell is started for each call."""

from winrm.protocol import Protocol

from client import serve, target

given = target()
secure = given["transport"] == "https"


def opening():
    protocol = Protocol(
        endpoint=f"{'https' if secure else 'http'}://127.0.0.1:{given['port']}/wsman",
        transport="ntlm",
        username=given["userName"],
        password=given["password"],
        ca_trust_path=given["caFile"] if secure else "legacy_requests",
        message_encryption="auto",
    )
    shell = protocol.open_shell(codepage=65001)

    def call(length):
        command = protocol.run_command(
            shell, "powershell.exe", ["-NonInteractive", "-Command", "Get-Text", "-Length", str(length)]
        )
        out, err, code = protocol.get_command_output(shell, command)
        protocol.cleanup_command(shell, command)
        if code != 0:
            raise RuntimeError(err.decode("utf-8"))
        return len(out.decode("utf-8"))

    return call, lambda: protocol.close_shell(shell)


serve(opening)
