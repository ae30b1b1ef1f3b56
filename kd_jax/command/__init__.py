"""The command line for one's own problem: its data, its teachers and its students.

    problem.read(settings)                     what --data and its companions hold, in three parts
    teachers.sources(names, problem)           what --teacher names
    teachers.read(sources, problem, workdir)   what they say of every row
    trained_teachers.train(name, model, …)     likewise of a teacher that is trained here
    networks.student(name, problem)            what --student names, as a Model
    methods.chosen(flags, labeled)             what --methods and --plugin name
    run.run(flags, run)                        all of it; folder.write(…) what --out holds

Bad input of each is one line, before any work is done.
"""
