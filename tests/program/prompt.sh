#!/usr/bin/env bash
# Secrets at the terminal: nothing is echoed, a new passphrase is asked for twice, breaking off leaves the terminal
# as it was; the words of a seed come to a terminal unasked.
set -uo pipefail
export BCEMR_WORK
BCEMR_WORK=$(mktemp -d)
trap 'rm -rf "$BCEMR_WORK"' EXIT
cd "$BCEMR_WORK" || exit 1
exec /usr/bin/python3 - "$BCEMR_BIN/bcemr" <<'EOF'
import os, pty, select, subprocess, sys, termios, time

program = sys.argv[1]
failed = []


def at_terminal(arguments, answers, until=60):
    """Runs bcemr at a new terminal; answers: (prompt, bytes typed when it stands there). Code, what was shown, echo."""
    main, side = pty.openpty()

    def own_terminal():
        os.setsid()
        import fcntl
        fcntl.ioctl(side, termios.TIOCSCTTY, 0)

    child = subprocess.Popen([program, *arguments], stdin=side, stdout=side, stderr=side, preexec_fn=own_terminal)
    shown, answers, end = b"", list(answers), time.monotonic() + until
    searched = 0
    while child.poll() is None or select.select([main], [], [], 0)[0]:
        if time.monotonic() > end:
            child.kill()
            failed.append(f"{arguments}: still waits after {shown!r}")
            break
        if select.select([main], [], [], 0.1)[0]:
            shown += os.read(main, 4096)
        if answers and answers[0][0] in shown[searched:]:
            searched = shown.index(answers[0][0], searched) + len(answers[0][0])
            # the prompt is written when echo is off already
            if termios.tcgetattr(side)[3] & termios.ECHO:
                failed.append(f"{arguments}: echoes at {answers[0][0]!r}")
            os.write(main, answers.pop(0)[1])
    echo = bool(termios.tcgetattr(side)[3] & termios.ECHO)
    os.close(side)
    os.close(main)
    return child.wait(), shown, echo


def expect(what, arguments, answers, code, *texts):
    got, shown, echo = at_terminal(arguments, answers)
    if got != code:
        failed.append(f"{what}: ended with {got}, not {code}: {shown!r}")
    for text in texts:
        if text not in shown:
            failed.append(f"{what}: no {text!r} in {shown!r}")
    if b"correct horse" in shown:
        failed.append(f"{what}: the passphrase was shown")
    if not echo:
        failed.append(f"{what}: the terminal has lost its echo")
    return shown


new, again, old = b"new passphrase of me.key: ", b"the same again: ", b"passphrase of me.key: "
make = ["keys", "new", "--role", "patient", "--out", "me.key"]
good, typo = b"correct horse\n", b"correct hoarse\n"
expect("two that differ", make, [(new, good), (again, typo)], 1, b"the two are not the same")
expect("a short one", make, [(new, b"horse\n"), (again, b"horse\n")], 1, b"E_TOO_SHORT")
expect("breaking off", make, [(new, b"correct horse\x03")], 1, b"E_INTERRUPTED")
expect("breaking off the second", make, [(new, good), (again, b"\x04")], 1, b"E_INTERRUPTED")
if os.path.exists("me.key"):
    failed.append("a key file was made all the same")
# a wrong letter taken back, a line taken back
expect("new keys", make, [(new, b"correct horx\x7fse\n"), (again, b"nonsense\x15correct horse\n")], 0, b"new patient keys")
expect("a wrong one", ["keys", "show", "me.key"], [(old, typo)], 1, b"E_PASSPHRASE")
words = expect("words", ["keys", "words", "me.key"], [(old, good)], 0, b"whoever has these 24 words")
line = next((l for l in words.decode().splitlines() if len(l.split()) == 24), None)
if not line:
    failed.append(f"no 24 words in {words!r}")
else:
    expect("restore", ["keys", "restore", "--role", "patient", "--out", "two.key"],
           [(b"24 words: ", line.encode() + b"\n"), (b"new passphrase of two.key: ", good), (again, good)], 0, b"restored")
expect("a new passphrase", ["keys", "passphrase", "me.key"],
       [(old, good), (new, b"another horse\n"), (again, b"another horse\n")], 0, b"under its new passphrase")
expect("the new one", ["keys", "show", "me.key"], [(old, b"another horse\n")], 0, b"patient")

# where no terminal is, the option is named
bare = subprocess.run([program, "keys", "show", "me.key"], stdin=subprocess.DEVNULL, capture_output=True,
                      start_new_session=True)
if bare.returncode != 2 or b"--passphrase-file FILE" not in bare.stderr:
    failed.append(f"without a terminal: {bare}")
print("\n".join(failed), file=sys.stderr)
sys.exit(1 if failed else 0)
EOF
