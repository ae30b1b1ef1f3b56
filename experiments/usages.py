"""What `./run.sh TOOL --help` prints of the tools that have more to say than a line."""

REPRODUCE = """\
./run.sh reproduce NAME [--preset=NAME] [--base_seed=NUMBER] [--flag=value …]

Runs the command of a committed record again, and says row by row whether what
is found lies inside the intervals that the record printed.

  NAME                 an experiment with a record, in experiments/NAME/records/
  --preset=NAME        take the record of this preset, records_NAME/
  --base_seed=NUMBER   draw everything anew, to see whether the intervals hold;
                       without it rows should be identical, or nearly so on
                       another processor
  --workdir=FOLDER     where the run and its teachers are kept (runs)
  --flag=value         any other flag of ./run.sh NAME --help. One that decides
                       results, as --teachers=2, makes another experiment

It prints the table of the run, and then for each table of the record its rows:
identical, inside, OUTSIDE (a mean lies beyond the printed interval), or no
interval (the run has no number there, as of too few students), each with the
intervals of the record and of this run. Below stands how many rows and
intervals hold, how many would where nothing changed but seeds, and which rows
are further apart than both intervals allow.

The run is kept as any other: ./run.sh publish RUN_FOLDER --repeats adds what
held at another base seed to the experiment's page.

Exit code: 0 whatever holds, 2 where there is no record, where a file of it is
damaged, or where flags like --replay make no table to compare."""

REPORT = """\
./run.sh report [WORKDIR]

Makes one page, which needs no network and no file beside it, of all runs below
a folder: for each its finding, command, settings, tables and figures; runs of
one experiment side by side by the settings in which they differ; published
numbers beside ours; and which runs are unfinished or failed, and why.

  WORKDIR   the --workdir of the runs; the page is WORKDIR/report.html.
            Without it the page is of the committed records of this clone, and
            is runs/records/report.html in the folder where you are

It has no flags. It prints the path of the page, which a browser opens.

Exit code: 0, or 2 where no run is finished or the page cannot be written."""

PUBLISH = """\
./run.sh publish RUN_FOLDER [--why="REASON"]
./run.sh publish RUN_FOLDER --repeats
./run.sh publish --readmes
./run.sh publish --figures

Keeps a finished run as the record of its experiment and preset, with tables and
figures of its records, and renews the pages. A run of --base_seed=0 is kept as
the exploration, on which settings are chosen.

  RUN_FOLDER        runs/EXPERIMENT/ID, of committed code and a preset alone
  --why="REASON"    where a record with other tables stands there already: why
                    the new one takes its place, in a line; the other's tables
                    are kept with it
  --repeats         leave the record, and keep what of its intervals held in
                    this run of another base seed
  --readmes         renew the pages and the records' tables, without a run
  --figures         draw the figures of all records again before that

It prints what it has written.

Exit code: 0, or 2 where a run is refused, a committed record is damaged, or
another publish is at work; all stays as it was then."""

USAGES = {"reproduce": REPRODUCE, "report": REPORT, "publish": PUBLISH}
