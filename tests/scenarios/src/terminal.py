"""Runs a program in a terminal of its own, as a person would: argument 1 is JSON with `command`, `rows` and `steps`, each
a text to wait for and the keys to press then. Prints what the terminal got, without its control sequences, then the
line `status N`. A text that does not come within 30 seconds ends it."""

import fcntl
import json
import os
import pty
import re
import select
import struct
import sys
import termios
import time

play = json.loads(sys.argv[1])
# What runs the tests may ask for colours itself; the person at this terminal did not.
inherited = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "NO_COLOR")}
child, terminal = pty.fork()
if child == 0:
    time.sleep(0.1)
    os.execvpe(play["command"][0], play["command"], {**inherited, "TERM": "xterm-256color", **play.get("env", {})})
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", play["rows"], 100, 0, 0))
seen, passed = "", 0


def plain(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r", "", text) if not play.get("raw") else text.replace("\r", "")


def read(seconds):
    global seen
    if not select.select([terminal], [], [], seconds)[0]:
        return True
    try:
        octets = os.read(terminal, 65536)
    except OSError:
        return False
    seen += octets.decode(errors="replace")
    return octets != b""


for wanted, keys in play["steps"]:
    end = time.monotonic() + 30
    while plain(seen).find(wanted, passed) < 0:
        if time.monotonic() > end or not read(0.2):
            print(plain(seen))
            sys.exit(f"never came: {wanted!r}")
    passed = plain(seen).find(wanted, passed) + len(wanted)
    # Key by key, as fingers do: a program may take many at once for a paste.
    for key in re.findall(r"\x1b\[.|.", keys, re.DOTALL):
        os.write(terminal, key.encode())
        time.sleep(0.01)
end = time.monotonic() + 30
while read(0.2) and time.monotonic() < end:
    pass
os.close(terminal)
print(plain(seen))
print("status", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
