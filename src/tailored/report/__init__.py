"""What commands found, written for people and for machines: text, JSON, SARIF, JUnit, GitHub and Markdown.

A command makes an `Outcome` (outcome.py): findings with their places, cases that passed or failed, a closing
line, and its own JSON data. `written("sarif", [outcome], folder)` (formats.py) writes one outcome, or those
of several commands together. A finding of the validator becomes one by `Finding.of(diagnostic)`; what a
command knows beyond that goes to `more` (keys for machines, such as `witness`) and `details` (lines for
people, shown as they stand).

    outcome = Outcome(
        command="prove",
        findings=(Finding("never-fires", "warning", "`x` can never fire.", "Mend it.", rule.span,
                          details="page is home and page is cart", more={"rule": "x", "others": []}),),
        summary="1 warning about 12 rules.",
        texts=report.texts,                      # path in the book to text, to show lines from
        data={"diagnostics": [...], ...},        # what --format json prints
    )
    click.echo(written(form, [outcome], book))
    sys.exit(1 if outcome.failed else 0)

`failed` is told by errors among the findings and by failed cases; `Outcome(..., failing=True)` says so where
neither tells, as for a difference in meaning.
"""
