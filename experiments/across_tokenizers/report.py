"""Tables and figure of students with tokens of their own: those of `distill_lm`."""

from kd_jax.report import comparison_figure, decoder_rows, decoder_table, figures


def table(folder):
    """The Markdown of a run folder: quality, differences to SFT and to the start."""
    return decoder_table.table(folder)


def draw(folder):
    """Differences to SFT in both measures, with their intervals."""
    rows = decoder_rows.read(folder)
    baseline = rows.said["baseline"]
    caption = (
        f"Students of a teacher with other tokens, minus {baseline} with as many steps, with 95 % "
        "intervals for other texts and orders. Left of 0 is better: a circle beats, a square is "
        "worse, a diamond is inconclusive."
    )
    size = figures.WIDEST, 0.35 * len(decoder_rows.trained(rows)) + 1.2
    path, of_metrics = folder / "against_sft.svg", decoder_rows.verdicts(rows, baseline)
    with figures.figure(path, 1, 2, size, sharey=True, caption=caption) as axes:
        for panel, (metric, (title, *_)) in zip(axes, rows.measures.items()):
            found = of_metrics[metric]
            trained = decoder_rows.trained(rows)[::-1]
            comparison_figure.differences(panel, trained, [found[row] for row in trained])
            panel.set_xlabel(f"{title}, minus that of SFT")
