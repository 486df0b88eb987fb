"""`tlsight policy`: check the policy file itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from detector.cli import exit_codes, policy_learn
from detector.cli.options import Argument, Verbs
from detector.cli.output import Json, Verbose
from detector.cli.streams import print_line, write_file, write_json

app = Verbs(no_args_is_help=True, help="The policy file: learn, lint, schema.")
policy_learn.register(app)


@app.command("lint")
def lint(
    file: Annotated[Path, Argument(help="The policy file.")],
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Tell what is wrong, or soon will be: ended permissions, published keys, dead patterns.

    Exit codes: 0 nothing but notes, 1 warnings or errors, 2 the file cannot be read.
    """
    import msgspec

    from detector import clock
    from detector.knowledge.policy import read_policy
    from detector.knowledge.policy_lint import lint as remarks_on
    from detector.knowledge.shipped import published_keys

    policy, lines = read_policy(file)
    remarks = remarks_on(policy, published_keys(), clock.now().date(), lines)
    serious = [remark for remark in remarks if remark.level != "note"]
    for remark in remarks:
        if json:
            record = {
                "schema": "tlsight.lint/1",
                "path": str(file),
                **msgspec.structs.asdict(remark),
            }
            write_json(record)
        elif verbose or remark.level != "note":
            where = f"{file}:{remark.line}" if remark.line else str(file)
            print_line(f"{where}: {remark.level}: {remark.text} ({remark.id})")
    if not json:
        notes = len(remarks) - len(serious)
        more = (
            f", {notes} note{'' if notes == 1 else 's'} (--verbose)"
            if notes and not verbose
            else ""
        )
        problems = f"{len(serious) or 'no'} problem{'' if len(serious) == 1 else 's'}"
        print_line(f"{file}: {problems}{more}")
    return exit_codes.FOUND if serious else exit_codes.CLEAN


@app.command("schema")
def schema() -> int:
    """Print the JSON Schema of the policy file, for editors that check TOML."""
    import msgspec

    from detector.knowledge.policy import policy_schema

    text = msgspec.json.encode(policy_schema())
    write_file(msgspec.json.format(text, indent=2) + b"\n")
    return exit_codes.CLEAN
