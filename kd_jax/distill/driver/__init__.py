"""The driver, `kd.distill`: from a problem of one's own to a result that says whether it is real.

In the order in which a call goes through them: `distill` is the whole; `recipe` says how students
are trained; `given_rows` parts the data; `named_teachers` asks the teachers, once; `teacher_notes`
says what is odd about them; `augmented` asks them about views; `checks` refuses what does not fit;
`problem` puts these together; `fitting` trains; `result` is what comes back. `fit_teacher` trains a
teacher where there is none.
"""
