"""Bugs on the way to the target: apply, measure, digest, lock."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

__all__ = ["DELIVERING"]

RECEIVER = "tests/conformance/test_receiver.py"
LEDGER = "tests/conformance/test_ledger.py"
EFFECTS = "tests/conformance/test_connector_effects.py"
CANONICAL = "tests/unit/test_canonical.py"
GAPS = "tests/scenario/test_planted_gaps.py"
FROZEN = "tests/scenario/test_concurrency.py::test_frozen_holder_is_refused_by_the_token"
SIMULATION = "tests/simulation/test_simulation.py"
PUSH = "bridge.push"
BOOKS = "bridge.ledger.receiver"

DELIVERING = (
    # -- apply -------------------------------------------------------------------------------
    Mutant(
        "split-target-transaction",
        "apply",
        PUSH,
        "receipt = receiver.record(batch, *self._measure(batch))",
        "measured = self._measure(batch)\n"
        '                target.execute_all(["COMMIT", "BEGIN IMMEDIATE"])\n'
        "                receipt = receiver.record(batch, *measured)",
        f"{SIMULATION}::test_crashed_anywhere_all_or_nothing_has_happened[swept]",
    ),
    Mutant(
        "position-before-rows",
        "apply",
        PUSH,
        "receipt = receiver.record(batch, *self._measure(batch))",
        "receipt = receiver.record(batch, batch.sent)\n"
        '                target.execute_all(["COMMIT", "BEGIN IMMEDIATE"])\n'
        "                self._measure(batch)",
        f"{SIMULATION}::test_crashed_anywhere_all_or_nothing_has_happened[swept]",
    ),
    Mutant(
        "a-key-at-the-target-in-the-order-of-its-table",
        "measure",
        "connectors.effects",
        "return tuple(next(c for c in self.columns if c.name == name) for name in self.key)",
        "return tuple(c for c in self.columns if c.name in self.key)",
        "tests/scenario/test_key_order.py::test_parts_end_within_a_first_column[2-cursor]",
    ),
    Mutant(
        "a-claim-of-another-departments-job-of-that-name-is-ours",
        "apply",
        "bridge.ledger.claim",
        "return (self.department, self.job) == (department, job)",
        "return self.job == job",
        "tests/scenario/test_whose_table.py::test_two_departments_and_another_case[j]",
    ),
    Mutant(
        "what-arrived-is-not-missed-before-it-is-noted",
        "apply",
        "bridge.preparation",
        "ledger.newest_confirmed() or _unconfirmed(ledger, position)",
        "ledger.newest_confirmed()",
        "tests/scenario/test_planted_gaps.py::"
        "test_what_arrived_first_is_gone_before_a_run_has_noted_it"
        "[1-settle_and_pull-DROP TABLE t-sqlite]",
    ),
    Mutant(
        "inserts-applied-before-deletes-of-the-same-key",
        "apply",
        "connectors.effects",
        "return [self._delete(None), self.insert_staged()]",
        "return [self.insert_staged(), self._delete(None)]",
        f"{EFFECTS}::test_random_batches_do_what_the_model_does[sqlite-owned]",
    ),
    Mutant(
        "deletes-not-applied-to-a-business-table",
        "apply",
        "connectors.effects",
        "return [self._delete(\"= 'D'\"), *self._update(), self._insert(only_new=True)]",
        "return [*self._update(), self._insert(only_new=True)]",
        f"{EFFECTS}::test_random_batches_do_what_the_model_does[sqlite-business]",
    ),
    Mutant(
        "image-keeps-what-lies-beyond",
        "apply",
        PUSH,
        "            target.execute(effects.delete_others(keys))\n",
        "",
        "tests/scenario/test_changed_job.py::test_resync_replaces_what_is_at_the_target[sqlite]",
    ),
    Mutant(
        "last-part-of-an-image-ends-at-its-last-key",
        "apply",
        "bridge.capture.image",
        "key_high=None if last else top,",
        "key_high=_highest(held, plan, low) if last else top,",
        "tests/scenario/test_changed_job.py::test_resync_replaces_what_is_at_the_target[sqlite]",
    ),
    Mutant(
        "gap-not-checked",
        "apply",
        BOOKS,
        "    if batch.seq > position.seq + 1:\n        return Expectation.GAP\n"
        "    follows = batch.seq == position.seq + 1 and batch.prev_hash == position.head_hash",
        "    follows = batch.seq > position.seq",
        f"{RECEIVER}::test_a_hole_is_a_gap[sqlite]",
    ),
    Mutant(
        "prev-hash-not-checked",
        "apply",
        BOOKS,
        "follows = batch.seq == position.seq + 1 and batch.prev_hash == position.head_hash",
        "follows = batch.seq == position.seq + 1",
        f"{RECEIVER}::test_another_history_is_a_fork[sqlite]",
    ),
    Mutant(
        "fork-taken-for-a-duplicate",
        "apply",
        BOOKS,
        "return Expectation.DUPLICATE if same else Expectation.FORK",
        "return Expectation.DUPLICATE",
        f"{RECEIVER}::test_another_history_is_a_fork[sqlite]",
    ),
    Mutant(
        "batch-hash-not-checked",
        "apply",
        BOOKS,
        "if batch.compute_hash() != batch.batch_hash:",
        "if not batch.batch_hash:",
        f"{RECEIVER}::test_another_history_is_a_fork[sqlite]",
    ),
    Mutant(
        "receipt-known-without-its-epoch",
        "apply",
        BOOKS,
        '_NUMBERED = _OF_EPOCH.where(receipt_row.c.seq == bindparam("with_seq"))',
        "_NUMBERED = (\n"
        '    _RECEIPTS.where(receipt_row.c.seq == bindparam("with_seq"))\n'
        "    .order_by(receipt_row.c.epoch)\n"
        "    .limit(1)\n"
        ")",
        f"{RECEIVER}::test_a_later_epoch_begins_at_one_with_a_confirmed_hash[sqlite]",
    ),
    Mutant(
        "ended-epoch-applied-all-the-same",
        "apply",
        BOOKS,
        "        if batch.epoch < position.epoch:\n            return Expectation.SUPERSEDED\n",
        "",
        f"{RECEIVER}::test_what_arrives_late_from_an_ended_epoch_is_laid_aside[sqlite]",
    ),
    Mutant(
        "any-new-epoch-welcome",
        "apply",
        BOOKS,
        "return Expectation.NEXT if batch.seq == 1 and known else Expectation.GAP",
        "return Expectation.NEXT if batch.seq == 1 else Expectation.GAP",
        f"{RECEIVER}::test_a_later_epoch_begins_at_one_with_a_confirmed_hash[sqlite]",
    ),
    Mutant(
        "receipt-not-stored",
        "apply",
        BOOKS,
        "        self.connection.execute(_NEW_RECEIPT, _values(receipt))\n",
        "",
        f"{RECEIVER}::test_a_redelivery_finds_the_stored_receipt[sqlite]",
    ),
    Mutant(
        "position-not-advanced",
        "apply",
        BOOKS,
        "        self._advance(receipt)\n",
        "",
        f"{SIMULATION}::test_what_came_late_does_not_come_twice",
    ),
    Mutant(
        "duplicate-applied-again",
        "apply",
        PUSH,
        "            if expectation is Expectation.DUPLICATE:\n",
        "            if expectation is Expectation.DUPLICATE:\n"
        "                self._measure(batch)\n",
        f"{SIMULATION}::test_what_came_late_does_not_come_twice",
    ),
    Mutant(
        "binary-rows-sent-into-another-type",
        "apply",
        "bridge.plan",
        "if any(column.exchange != column.target for column in route.columns) or",
        "if any(column.exchange.kind != column.target.kind for column in route.columns) or",
        "tests/scenario/test_own_columns.py"
        "::test_a_table_that_was_taken_over_may_be_wider_and_number_its_rows_itself[postgresql]",
    ),
    # -- measure -----------------------------------------------------------------------------
    Mutant(
        "counts-of-the-sender",
        "measure",
        PUSH,
        "receiver.record(batch, *self._measure(batch))",
        "receiver.record(batch, self._measure(batch) and batch.sent)",
        f"{GAPS}::test_target_swallows_a_row[sqlite]",
    ),
    Mutant(
        "digest-of-the-sender",
        "measure",
        PUSH,
        "        measured = self._count()\n",
        "        counts, misfits = self._count()\n"
        '        measured = Counts(**vars(counts) | {"digest": batch.digest}), misfits\n',
        f"{GAPS}::test_target_alters_a_value[alter_name-sqlite]",
    ),
    Mutant(
        "digest-of-the-stage",
        "measure",
        "connectors.effects",
        "f\"ELSE {d.line(self.columns, 't')} END AS line\\n\"",
        "f\"ELSE {d.line(self.columns, 'i')} END AS line\\n\"",
        f"{GAPS}::test_target_alters_a_value[alter_name-sqlite]",
    ),
    Mutant(
        "measured-before-what-is-deferred",
        "measure",
        PUSH,
        "        target.run_deferred()\n        measured = self._count()\n",
        "        measured = self._count()\n        target.run_deferred()\n",
        f"{GAPS}::test_target_alters_a_value_when_it_commits[changes]",
    ),
    Mutant(
        "presence-noted-after-applying",
        "measure",
        PUSH,
        "            target.execute(effects.note_present())\n"
        "            target.execute_all(effects.apply())\n"
        "        target.run_deferred",
        "            target.execute_all(effects.apply())\n"
        "            target.execute(effects.note_present())\n"
        "        target.run_deferred",
        f"{GAPS}::test_row_deleted_at_the_target_is_seen_by_its_next_change[sqlite]",
    ),
    Mutant(
        "operation-believed",
        "measure",
        PUSH,
        "inserted += found.rows if not before and after else 0",
        'inserted += found.rows if operation == "I" else 0',
        f"{GAPS}::test_row_inserted_at_the_target_is_seen_by_its_insert[sqlite]",
    ),
    Mutant(
        "delete-that-found-nothing-counted",
        "measure",
        PUSH,
        "deleted += found.rows if before and not after else 0",
        "deleted += found.rows if not after else 0",
        f"{GAPS}::test_row_deleted_at_the_target_is_seen_by_its_delete[sqlite]",
    ),
    Mutant(
        "image-not-read-back",
        "measure",
        PUSH,
        "return Counts(rows, rows - kept, kept, before - kept, str(digest))",
        "return Counts(rows, rows - kept, kept, before - kept, batch.digest)",
        f"{GAPS}::test_copy_touched_between_seal_and_push_of_an_image[sqlite]",
    ),
    Mutant(
        "rows-of-an-image-not-counted-back",
        "measure",
        PUSH,
        "return Counts(rows, rows - kept, kept, before - kept, str(digest))",
        "return Counts(batch.sent.total, rows - kept, kept, before - kept, str(digest))",
        f"{GAPS}::test_target_swallows_a_row_of_an_image[sqlite]",
    ),
    Mutant(
        "retry-counted-twice",
        "measure",
        "bridge.ledger.summing",
        "func.sum(case((image, 0), else_=",
        "2 * func.sum(case((image, 0), else_=",
        f"{RECEIVER}::test_sums_are_of_what_was_measured[sqlite]",
    ),
    # -- digest ------------------------------------------------------------------------------
    Mutant(
        "xor-digest",
        "digest",
        "connectors.canonical",
        "            high += one\n            low += two",
        "            high ^= one\n            low ^= two",
        f"{CANONICAL}::test_equal_lines_do_not_cancel",
    ),
    Mutant(
        "digests-of-parts-xored",
        "digest",
        "connectors.canonical",
        "return Digest((self.high + other.high) % _MODULUS, (self.low + other.low) % _MODULUS)",
        "return Digest(self.high ^ other.high, self.low ^ other.low)",
        f"{CANONICAL}::test_a_digest_adds_up_in_any_order",
    ),
    Mutant(
        "xor-digest-in-sqlite",
        "digest",
        "connectors.sqlite.values",
        "self._high += high\n        self._low += low",
        "self._high ^= high\n        self._low ^= low",
        f"{EFFECTS}::test_random_batches_do_what_the_model_does[sqlite-owned]",
    ),
    Mutant(
        "null-written-as-empty-text",
        "digest",
        "connectors.canonical",
        "NULL if field is None else",
        '"" if field is None else',
        f"{CANONICAL}::test_a_line_reads_back_to_its_fields",
    ),
    Mutant(
        "tabs-not-escaped",
        "digest",
        "connectors.canonical",
        '.replace("\\t", "\\\\t")',
        "",
        f"{CANONICAL}::test_a_line_reads_back_to_its_fields",
    ),
    Mutant(
        "deleted-keys-not-in-the-digest",
        "digest",
        "connectors.changes",
        "f\"WHERE {self._stamped('')}\",\n            (epoch, seq),\n        )\n\n"
        "    def image_lines",
        "f\"WHERE {self._stamped('')} AND {d.quote(OPERATION)} <> 'D'\",\n"
        "            (epoch, seq),\n        )\n\n"
        "    def image_lines",
        "tests/scenario/test_sweep.py::test_everything_is_deleted[sqlite-sqlite-sqlite]",
    ),
    Mutant(
        "a-single-digested-as-a-double",
        "digest",
        "connectors.agentdigest",
        "return _REAL if kind.bits == 32 else _DOUBLE",
        "return _DOUBLE",
        f"{CANONICAL}::test_a_marked_float_is_finished_by_its_width",
    ),
    # -- lock --------------------------------------------------------------------------------
    Mutant(
        "token-ignored",
        "lock",
        "bridge.ledger.jobrow",
        "if standing is None or standing.token != self.token:",
        "if standing is None:",
        f"{LEDGER}::test_a_run_that_lost_its_job_cannot_write[sqlite]",
    ),
    Mutant(
        "verdict-written-by-a-run-that-lost-its-job",
        "lock",
        "bridge.ledger.jobrow",
        "        self.fence()\n        ended = {",
        "        ended = {",
        f"{LEDGER}::test_a_run_that_lost_its_job_cannot_write[sqlite]",
    ),
    Mutant(
        "token-not-raised",
        "lock",
        "bridge.ledger.jobrow",
        "token = max(self._locked().token, minimum) + 1",
        "token = max(self._locked().token, minimum)",
        f"{FROZEN}[push.begins:1-sqlite]",
    ),
    Mutant(
        "token-of-the-target-ignored",
        "lock",
        BOOKS,
        "if position.token > token:",
        "if position.token > token > 10**9:",
        f"{RECEIVER}::test_an_older_token_is_refused_and_a_newer_one_kept[sqlite]",
    ),
    Mutant(
        "position-not-locked",
        "lock",
        BOOKS,
        "position = self.position(lock=True)",
        "position = self.position()",
        f"{RECEIVER}::test_a_zombie_comes_before_or_after_never_between[postgresql]",
    ),
    Mutant(
        "row-of-the-job-not-locked",
        "lock",
        "bridge.ledger.history",
        "_LOCKED = _STANDING.with_for_update()",
        "_LOCKED = _STANDING",
        f"{LEDGER}::test_a_second_run_waits_for_the_first_ones_commit[postgresql]",
    ),
    Mutant(
        "job-not-locked",
        "lock",
        "bridge.hold",
        "        stack.enter_context(exchange.lock(name, wait_seconds))\n",
        "",
        f"{SIMULATION}::test_a_job_is_held_by_one_run",
    ),
    Mutant(
        "target-taken-with-an-old-token",
        "lock",
        PUSH,
        "            receiver.lock_position(self._held.token)\n",
        "",
        f"{SIMULATION}::test_who_has_lost_the_job_is_refused_at_the_target",
    ),
    Mutant(
        "new-epoch-leaves-the-target-to-who-was-held-up",
        "lock",
        "bridge.hold",
        "receiver.lock_position(self.token)",
        "receiver.lock_position(known.token)",
        f"{SIMULATION}::test_what_a_resync_has_laid_aside_does_not_arrive_any_more",
    ),
    Mutant(
        "target-without-its-table-is-not-outrun",
        "lock",
        "bridge.preparation",
        "    held.outrun(position.token)\n",
        "    if plan.target_exists:\n        held.outrun(position.token)\n",
        "tests/scenario/test_restores.py"
        "::test_exchange_restored_and_the_table_at_the_target_gone[sqlite]",
    ),
    Mutant(
        "a-receiver-of-an-earlier-release-is-asked-as-it-is",
        "settle",
        "bridge.hold",
        "            self._make_receiver_current(target)\n",
        "            pass\n",
        "tests/scenario/test_release.py"
        "::test_an_earlier_receiver_is_brought_up_to_date_before_it_is_asked[run]",
    ),
    Mutant(
        "what-is-installed-over-a-process-is-taken-for-what-it-knows",
        "settle",
        "bridge.ledger.migrations",
        " or version > _newest(side)",
        "",
        "tests/scenario/test_release.py"
        "::test_a_process_over_which_a_newer_release_is_installed_refuses_its_tables[exchange]",
    ),
    Mutant(
        "compare-without-set",
        "lock",
        "bridge.ledger.writer",
        '    batch_row.c.state == bindparam("seen_state"),\n',
        "",
        f"{LEDGER}::test_a_move_from_a_state_long_left_is_refused[sqlite]",
    ),
    Mutant(
        "image-of-nothing-replaces-nothing",
        "apply",
        "bridge.push",
        "        if batch.kind.is_image:\n"
        "            return self._replace_range(batch), Misfits()\n",
        "        if batch.kind.is_image and batch.sent.total:\n"
        "            return self._replace_range(batch), Misfits()\n",
        "tests/scenario/test_changed_job.py"
        "::test_resync_of_an_empty_source_empties_the_target[sqlite]",
    ),
    Mutant(
        "deviations-put-right-by-an-image-without-rows",
        "verdict",
        "bridge.push",
        "if batch.kind is Kind.RESYNC and batch.last and not self._brings_nothing:",
        "if batch.kind is Kind.RESYNC and batch.last:",
        "tests/scenario/test_sheets.py::test_a_deviation_is_put_right_when_every_file_has_arrived",
    ),
    Mutant(
        "deviations-put-right-by-the-first-part-of-a-resync",
        "verdict",
        "bridge.push",
        "if batch.kind is Kind.RESYNC and batch.last and not self._brings_nothing:",
        "if batch.kind is Kind.RESYNC and not self._brings_nothing:",
        "tests/scenario/test_planted_gaps.py"
        "::test_a_resync_puts_nothing_right_before_it_is_whole[sqlite]",
    ),
    Mutant(
        "another-epochs-batch-moved-as-well",
        "settle",
        "bridge.ledger.writer",
        '    batch_row.c.epoch == bindparam("of_epoch"),\n'
        '    batch_row.c.seq == bindparam("with_seq"),\n'
        "    batch_row.c.state",
        '    batch_row.c.epoch >= bindparam("of_epoch"),\n'
        '    batch_row.c.seq == bindparam("with_seq"),\n'
        "    batch_row.c.state",
        "tests/conformance/test_ledger.py::test_a_move_is_of_its_own_epochs_batch[sqlite]",
    ),
    Mutant(
        "deletes-made-up-for-by-new-rows",
        "apply",
        "bridge.push",
        "others = before - int(target.value(effects.count_present()))",
        "others = max(0, before - batch.sent.total)",
        "tests/scenario/test_restores.py::test_rows_that_are_new_make_up_for_no_deletes[sqlite]",
    ),
    Mutant(
        "answered-with-the-newest-receipt",
        "settle",
        "bridge.push",
        "                receipt = receiver.receipt(batch.epoch, batch.seq)\n            elif",
        "                receipt = receiver.newest()\n            elif",
        "tests/scenario/test_restores.py::test_exchange_restored_to_before_it_heard_of_two_arrivals"
        "[sqlite]",
    ),
    Mutant(
        "a-table-taken-over-treated-as-ours",
        "apply",
        "bridge.preparation",
        "owned=not plan.target_exists)",
        "owned=True)",
        "tests/scenario/test_changed_job.py"
        "::test_what_is_not_shared_any_more_is_gone_or_named[True-sqlite]",
    ),
    Mutant(
        "rows-to-which-others-lead-replaced",
        "apply",
        "bridge.preparation",
        "replaced = owned and not plan.is_led_to and",
        "replaced = owned and",
        "tests/scenario/test_foreign_keys.py::test_rows_to_which_others_lead_stay[mysql]",
    ),
    Mutant(
        "rows-of-tables-that-inherit-taken-for-its-own",
        "apply",
        "bridge.route.fit",
        "if existing.heirs:",
        "if existing.is_view:",
        "tests/scenario/test_allowed_values.py::test_a_target_from_which_others_inherit_is_refused",
    ),
    Mutant(
        "any-table-taken-by-a-job-that-was-here-before",
        "apply",
        "bridge.preparation",
        "if plan.target_exists and not held.job.target.adopt:",
        "if plan.target_exists and not (held.job.target.adopt or held.receiver().newest()):",
        "tests/scenario/test_whose_table.py"
        "::test_a_job_moved_to_a_table_with_rows_must_be_told_to_take_it_over[sqlite]",
    ),
)
