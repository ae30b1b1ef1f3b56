"""Students of one teacher: trained, measured, saved."""

import dataclasses

import jax

from experiments.language_model import generation as writing
from experiments.language_model import objectives, rates
from experiments.language_model import rows as names
from kd_jax.export import folders, saved_models
from kd_jax.language import answers, student_loss, teacher_cache, teacher_outputs, tokens
from kd_jax.metrics import cost, records
from kd_jax.models import llama, llama_unrolled
from kd_jax.pretrained import decoder_folder, layer_selection
from kd_jax.pretrained import llama as llama_files
from kd_jax.runtime import hosts
from kd_jax.storage import digits
from kd_jax.training import keys, optimizers, samplers, sequential
from kd_jax.training import state as train_state

SAVED_TEXTS = 16  # saved beside a student for its export
STUDENT, SFT = "student", "sft"  # folders, the latter of each seed
GENERATED = 32, 4  # tokens and texts by which generation is timed
SNAPSHOTS = 120.0  # seconds between two: one holds three times the parameters


class DecoderStudents:
    """Trains and measures students of a Distillation."""

    def __init__(self, config, data, run):
        self.config, self.data, self.execution = config, data, run.execution
        teacher = data.teacher
        self.cache = teacher_cache.TeacherCache(
            teacher, run.workdir, config.batch_size, again=run.retrain
        )
        chosen = layer_selection.spaced(teacher.net.layers, config.layers)
        net, self.start = layer_selection.student(teacher.net, teacher.params, chosen)
        self.net = dataclasses.replace(net, remat=config.remat)
        self.read_out = teacher_outputs.read_out(teacher.params, teacher.net.variant.logits_cap)
        self.trainings = {}
        self.evaluator = student_loss.evaluator(self.net)
        self.sampler = answers.sampler(self.net, teacher.stop)

    def rows(self, objective):
        """What students of an objective learn from."""
        return self.cache.rows(
            objective, self.data.texts, keys.key(self.config.base_seed, "samples")
        )

    def order(self):
        """The sampler of the order in which every objective's students see the problems."""
        key = keys.key(self.config.base_seed, "student", "order")
        return samplers.scattered(key, self.config.texts, self.config.batch_size)

    def training(self, objective, rate):
        """The Sequential training of an objective's students at a peak rate.

        The one before is let go first.
        """
        if (objective.row, rate) not in self.trainings:
            self.trainings.clear()
            self.trainings[objective.row, rate] = self._training(objective, rate)
        return self.trainings[objective.row, rate]

    def _training(self, objective, rate):
        config, teacher = self.config, self.data.teacher
        net, start = llama_unrolled.for_long(self.net, self.start)
        sampler, key = self.order(), keys.key(config.base_seed, "student")
        steps = optimizers.steps(config.epochs, sampler)
        shared, on_policy = self.read_out, None
        if objective.on_policy_fraction:  # its own texts are new: the whole teacher reads them
            shared, fraction = teacher.params | shared, objective.on_policy_fraction
            on_policy = student_loss.on_policy(self.net, teacher.net, fraction, teacher.stop)
        return sequential.Sequential(
            student_loss.loss(net, objective, config.micro_batches, on_policy),
            optimizers.adamw_warmup_cosine(rate, steps), start,
            self.rows(objective), sampler, key, epochs=config.epochs, shared={"teacher": shared},
            execution=self.execution,
        )  # fmt: skip

    def measure(self, params):
        """{metric: value} of a student on the test, and in what it samples itself."""
        test, size = self.data.test, self.config.batch_size
        found = self._beside_teacher(params, test)
        return _test(found | self.sampler(params, test, size, self._sampled_by()))

    def validation_kl(self, params):
        """KL(t‖s) of a student on validation."""
        return self._beside_teacher(params, self.data.validation)["kl"]

    def _beside_teacher(self, params, texts):
        hidden, size = self.cache.hidden(texts), self.config.batch_size
        return self.evaluator(params, texts, hidden, self.read_out, size)

    def _sampled_by(self):
        """The key of what teacher and students sample to be measured."""
        return keys.key(self.config.base_seed, "samples", "measured")

    def measure_teacher(self, chosen, task):
        """The teacher's record, with the sizes of its caches and its generation speeds."""
        net, params, *_ = self.data.teacher
        test, size = self.data.test, self.config.batch_size
        hidden = self.cache.hidden(test)
        own = student_loss.evaluate_teacher(test, hidden, self.read_out, size)
        sample = answers.sampler(net, self.data.teacher.stop)
        own = _test(own | sample(params, test, size, self._sampled_by()))
        cached = [each for each in chosen if each.top_k or each.row == names.FORWARD]
        sizes = {each.row: teacher_cache.size_of(self.rows(each)) for each in cached}
        more = {"layers": net.layers, "vocabulary": net.vocabulary, "caches": sizes}
        more |= {"parameters": cost.parameters(params)}
        more |= {"generation_speeds": writing.speeds(net, params, test.prompts, *GENERATED)}
        return [{"seed": 0, **own, **more}]

    def measure_cut(self, task):
        """The record of the layers that students start from."""
        count = cost.parameters(self.start)
        return [{"seed": 0, "parameters": count, **self.measure(self.start)}]

    def train(self, objective, rate, seed, task):
        """The record of one student, which is saved if its rate is the best of those recorded.

        So when all rates are, the best is saved, and no other.
        """
        task.execution.snapshots.every = SNAPSHOTS
        training, start = self.training(objective, rate), self._start(objective, seed, task.run)
        label = f"{objective.row}, rate {rate:g}, seed {seed}"
        fitted = training.fit(start, seed, label=label, execution=task.execution)
        fitted = fitted._replace(params=llama_unrolled.stacked(fitted.params))

        def measured():
            found = self.measure(fitted.params) | self._costs(training, fitted)
            return found | {"validation_kl": self.validation_kl(fitted.params)}

        record = records.network_record({}, measured, fitted.diverged)
        own = digits.single_precision({**task.known, **record})  # as the others are read
        if rates.chosen([*task.run.records(), own], objective.row) == task.known["rate"]:
            self.save(task.run, objective, fitted.params, rate, seed)
        return [record]

    def _start(self, objective, seed, run):
        """The parameters that a student begins with."""
        start = self.start
        if objectives.after_sft(objective):
            _, start = llama_files.load(run.path(f"{SFT}-{seed}"))
        _, start = llama_unrolled.for_long(self.net, start)
        return start

    def _costs(self, training, fitted):
        """{name: value} of the last loss of a training, its memory and its speed."""
        found = {"train_loss": float(fitted.curves["loss"][-1])}
        found["peak_bytes"] = training.peak_bytes()
        (first, began), (last, ended) = fitted.clock[0], fitted.clock[-1]
        if last > first:  # a single epoch has but its end
            steps = self.config.texts // self.config.batch_size
            learned = float(fitted.curves["tokens"][first:last].sum()) * steps
            found["tokens_per_second"] = learned / (ended - began)
        return found

    def save(self, run, objective, params, rate, seed):
        """Save a student in place of one at another rate: for export, with the first test texts.

        The first one of forward KL is left in the run's folder too, as a Hugging Face model, and
        those of SFT with which others begin.
        """
        few = tokens.next_token_split(self.data.test.take(slice(SAVED_TEXTS)))
        one = train_state.stateless(jax.tree.map(lambda x: x[None, None], params))
        saved_models.save(
            run, llama.decoder(self.net), one, [objective.row], few, seed=seed,
            slot=f"{objective.row}, seed {seed}", rate=rate,
        )  # fmt: skip
        if not hosts.first_host():
            return
        if objective.row == names.FORWARD and not seed:
            with folders.written_whole(run.path(STUDENT)) as folder:
                decoder_folder.save(folder, self.net, params, self.data.model)
        if objective.row == names.SFT and self.config.all_objectives:
            with folders.written_whole(run.path(f"{SFT}-{seed}")) as folder:
                llama_files.save(folder, self.net, params)


def _test(found):
    return {name if name == "tokens" else f"test_{name}": x for name, x in found.items()}
