"""The command ``edgetext``: options, input and output. Here are the exit codes of all commands."""

# 2 is argparse's own exit code for a wrong command line, 130 the shell's for an interrupt (128 + SIGINT).
OK, MISTAKE, INTERRUPTED = 0, 2, 130
