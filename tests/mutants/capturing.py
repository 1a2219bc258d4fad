"""Bugs on the way into the exchange: horizon, classify, seal, quarantine."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

__all__ = ["CAPTURING"]

HORIZON = "tests/unit/test_horizon.py"
CHANGES = "tests/conformance/test_connector_changes.py"
LEDGER = "tests/conformance/test_ledger.py"
BATCH = "tests/unit/test_batch.py"
SCENARIO = "tests/scenario"
SIMULATED = "tests/simulation/test_horizon.py"
SWEEP = f"{SCENARIO}/test_sweep.py::test_sweep_both_ways[sqlite-sqlite-sqlite]"
LATER = f"{SCENARIO}/test_quarantine.py::test_set_aside_and_accepted_later"
LAST_GOOD = f"{SCENARIO}/test_quarantine.py::test_the_last_good_version_stays"

CAPTURING = (
    Mutant(
        "horizon-is-the-clock",
        "horizon",
        "bridge.horizon",
        "own = Candidate(at, source.open_work())",
        "own = Candidate(at, frozenset())",
        f"{HORIZON}::test_open_work_holds_back",
    ),
    Mutant(
        "clock-read-after-its-tokens",
        "horizon",
        "bridge.horizon",
        "    at = source.clock() - timedelta(seconds=margin_seconds)\n"
        "    own = Candidate(at, source.open_work())",
        "    tokens = source.open_work()\n"
        "    at = source.clock() - timedelta(seconds=margin_seconds)\n"
        "    own = Candidate(at, tokens)",
        f"{HORIZON}::test_the_clock_is_read_before_the_work",
    ),
    Mutant(
        "heirs-ignored",
        "horizon",
        "bridge.horizon",
        "(candidate.tokens - ended) | source.heirs(ended, still_open)",
        "candidate.tokens - ended",
        f"{HORIZON}::test_prepared_work_is_inherited",
    ),
    Mutant(
        "margin-forgotten",
        "horizon",
        "bridge.horizon",
        "source.clock() - timedelta(seconds=margin_seconds)",
        "source.clock()",
        f"{HORIZON}::test_nothing_open",
    ),
    Mutant(
        "horizon-beyond-what-drained",
        "horizon",
        "bridge.horizon",
        "for candidate in candidates if not candidate.tokens]",
        "for candidate in candidates]",
        f"{HORIZON}::test_an_older_candidate_drains_meanwhile",
    ),
    Mutant(
        "candidates-of-a-later-clock-kept",
        "horizon",
        "bridge.horizon",
        "for old in kept if old.at < at]",
        "for old in kept]",
        f"{HORIZON}::test_a_clock_set_back_discards_what_lies_ahead",
    ),
    Mutant(
        "candidates-not-kept",
        "horizon",
        "bridge.pull",
        "held.ledger().keep_candidates(horizon.candidates)",
        "held.ledger().keep_candidates(())",
        f"{SIMULATED}::test_a_long_transaction_holds_back_only_what_it_may_touch",
    ),
    Mutant(
        "horizon-not-floored",
        "horizon",
        "bridge.pull",
        "floor(horizon.at, plan.cursor.type, zone_of(held))",
        "horizon.at",
        f"{SIMULATED}::test_a_row_later_in_the_same_millisecond_arrives",
    ),
    Mutant(
        "no-overlap-with-whole-seconds",
        "horizon",
        "bridge.pull",
        "max(overlap, finest if finest >= 1 else 0)",
        "overlap",
        f"{SIMULATED}::test_whole_seconds_are_read_again_whatever_the_overlap",
    ),
    Mutant(
        "keyset-only-window",
        "horizon",
        "bridge.pull",
        "return watermark - timedelta(seconds=max(overlap, finest if finest >= 1 else 0))",
        "return watermark",
        f"{SIMULATED}::test_a_stamp_within_the_overlap_arrives",
    ),
    Mutant(
        "prepared-transactions-not-counted",
        "horizon",
        "connectors.postgresql.server",
        '[f"prepared {g}" for (g,) in prepared]',
        "[]",
        "tests/conformance/test_connector_postgresql.py::test_prepared_work_is_open_until_it_ends",
    ),
    Mutant(
        "process-list-not-read",
        "horizon",
        "connectors.mysql.work",
        "return {int(thread): str(query) for thread, query, _ in threads if thread != own}",
        "return {}",
        "tests/conformance/test_mysql_work.py::"
        "test_a_row_that_waits_for_a_lock_holds_back[MariaDB]",
    ),
    Mutant(
        "a-statement-without-heirs",
        "horizon",
        "connectors.mysql.work",
        'if kind == "statement":',
        "if False:",
        "tests/conformance/test_mysql_work.py::"
        "test_a_row_that_waits_for_a_lock_holds_back[MariaDB]",
    ),
    Mutant(
        "a-view-that-is-believed",
        "horizon",
        "connectors.mysql.work",
        "if any(nonce in transaction.query for transaction in found):",
        "if found:",
        "tests/conformance/test_mysql_work.py::test_a_copy_of_the_view_is_not_believed",
    ),
    # -- classify ----------------------------------------------------------------------------
    Mutant(
        "null-taken-for-equal",
        "classify",
        "connectors.sqlite.dialect",
        'return f"{left} IS NOT {right}"',
        'return f"{left} <> {right}"',
        f"{CHANGES}::test_null_and_value_are_different_in_every_column[sqlite]",
    ),
    Mutant(
        "only-the-first-column-compared",
        "classify",
        "connectors.changes",
        "c.type) for c in values]\n        into",
        "c.type) for c in values[:1]]\n        into",
        f"{CHANGES}::test_null_and_value_are_different_in_every_column[sqlite]",
    ),
    Mutant(
        "inserts-taken-for-updates",
        "classify",
        "connectors.changes",
        "CASE WHEN {first} IS NULL THEN 'I' ELSE 'U' END",
        "CASE WHEN {first} IS NULL THEN 'U' ELSE 'I' END",
        f"{CHANGES}::test_random_batches_do_what_the_model_does[sqlite-cursor]",
    ),
    Mutant(
        "inserts-taken-for-updates-in-one-pass",
        "classify",
        "connectors.returning",
        "c.xmax = 0 AS bh_new",
        "c.xmax <> 0 AS bh_new",
        f"{CHANGES}::test_random_batches_do_what_the_model_does[postgresql-cursor]",
    ),
    Mutant(
        "gone-keys-not-held-against-the-copy",
        "classify",
        "connectors.changes",
        "f\"JOIN {d.table(self.copy)} c ON {d.match('c', 'g', self.key)}\"",
        "f\"LEFT JOIN {d.table(self.copy)} c ON {d.match('c', 'g', self.key)}\"",
        f"{CHANGES}::test_random_batches_do_what_the_model_does[sqlite-cursor]",
    ),
    Mutant(
        "copy-keeps-what-is-deleted",
        "classify",
        "connectors.changes",
        "<> 'I')\"",
        "= 'U')\"",
        f"{CHANGES}::test_random_batches_do_what_the_model_does[sqlite-cursor]",
    ),
    Mutant(
        "sweep-one-way",
        "classify",
        "bridge.capture.sweep",
        "exchange.load(_GONE, self._columns, gone, self._format)",
        "exchange.load(_GONE, self._columns, iter([]), self._format)",
        SWEEP,
    ),
    Mutant(
        "late-rows-not-read",
        "classify",
        "bridge.capture.sweep",
        "return self._read_late()",
        "return 0",
        SWEEP,
    ),
    Mutant(
        "stamps-of-the-future-left-to-the-next-window",
        "classify",
        "bridge.capture.window",
        "reach.now + timedelta(minutes=1)",
        "reach.now + timedelta(days=40000)",
        SWEEP,
    ),
    Mutant(
        "sweep-begins-anew-every-time",
        "classify",
        "bridge.capture.sweep",
        "low = first = self._ledger.sweep_position()",
        "low = first = None",
        f"{SCENARIO}/test_sweep.py::test_sweep_under_a_budget[sqlite-sqlite-sqlite]",
    ),
    Mutant(
        "a-part-takes-the-rest-for-deleted",
        "classify",
        "bridge.capture.window",
        "changes.missing_in_stage(key_range(self._read_key, high_key))",
        "changes.missing_in_stage(key_range(self._read_key, None))",
        f"{SCENARIO}/test_compare.py::test_compare[4-sqlite-sqlite-sqlite]",
    ),
    # -- seal --------------------------------------------------------------------------------
    Mutant(
        "watermark-ahead-of-the-rows",
        "seal",
        "bridge.capture.window",
        "window_high=self._reach.high,",
        "window_high=self._reach.now + timedelta(minutes=5),",
        f"{SIMULATED}::test_a_stamp_within_the_overlap_arrives",
    ),
    Mutant(
        "watermark-after-the-commit-of-the-rows",
        "seal",
        "bridge.capture.window",
        "batch = self._seal(ledger, high_key, last, worth_it=worth_it)",
        'exchange.execute_all(["COMMIT", "BEGIN IMMEDIATE"])\n'
        "            batch = self._seal(ledger, high_key, last, worth_it=worth_it)",
        "tests/simulation/test_simulation.py::"
        "test_crashed_anywhere_all_or_nothing_has_happened[swept]",
    ),
    Mutant(
        "identity-without-epoch",
        "seal",
        "bridge.batch",
        '            "epoch": self.epoch,\n',
        "",
        f"{BATCH}::test_whatever_is_sealed_is_in_the_hash[epoch]",
    ),
    Mutant(
        "content-not-in-the-identity",
        "seal",
        "bridge.batch",
        '            "content_hash": self.content_hash,\n',
        "",
        f"{BATCH}::test_whatever_is_sealed_is_in_the_hash[content_hash]",
    ),
    Mutant(
        "counts-not-in-the-identity",
        "seal",
        "bridge.batch",
        "for name in sorted(vars(self.tally))}",
        "for name in ()}",
        f"{BATCH}::test_whatever_is_sealed_is_in_the_hash[tally.read]",
    ),
    Mutant(
        "chain-not-linked",
        "seal",
        "bridge.ledger.writer",
        "prev_hash=newest.batch_hash if newest else standing.anchor_hash",
        "prev_hash=standing.anchor_hash",
        f"{LEDGER}::test_batches_are_numbered_and_chained[sqlite]",
    ),
    Mutant(
        "books-not-checked",
        "seal",
        "bridge.ledger.writer",
        "        check_books(batch)\n",
        "",
        f"{LEDGER}::test_books_that_do_not_balance_are_not_sealed[sqlite]",
    ),
    Mutant(
        "hole-before-a-window-not-checked",
        "seal",
        "bridge.place",
        "return (low is None or low <= watermark) and watermark <= batch.window_high",
        "return True",
        f"{LEDGER}::test_a_window_may_not_leave_a_hole[sqlite]",
    ),
    Mutant(
        "empty-batch-without-looking",
        "seal",
        "bridge.pull",
        "if not advanced and not _sweep_is_due(held, plan):",
        "if False:",
        f"{SIMULATED}::test_who_could_not_look_claims_nothing",
    ),
    Mutant(
        "silence-told-once-and-never-again",
        "seal",
        "bridge.ledger.history",
        "if newest is None or newest.kind is not Kind.EMPTY:\n            return True",
        "if newest is None or newest.kind is not Kind.EMPTY:\n            return newest is None",
        f"{LEDGER}::test_silence_is_sealed_once_per_interval[sqlite]",
    ),
    Mutant(
        "fuse-ignored",
        "seal",
        "bridge.capture.window",
        "return most is not None and tally.deleted > most",
        "return False",
        f"{SCENARIO}/test_fuse.py::test_approved[sqlite]",
    ),
    Mutant(
        "mask-not-in-the-content-hash",
        "seal",
        "bridge.job",
        'used = {"to", "rule", "mask", "codes", "charset", "type"}',
        'used = {"to", "rule", "codes", "charset", "type"}',
        f"{SCENARIO}/test_changed_job.py::test_held_until_resync[sqlite]",
    ),
    Mutant(
        "changed-job-goes-on",
        "seal",
        "bridge.plan",
        "if known is not None and known != content_hash:",
        "if False:",
        f"{SCENARIO}/test_changed_job.py::test_held_until_resync[sqlite]",
    ),
    # -- quarantine --------------------------------------------------------------------------
    Mutant(
        "quarantined-row-not-counted",
        "quarantine",
        "bridge.capture.image",
        "quarantined=len(intake.refused)),\n            digest",
        "quarantined=0),\n            digest",
        f"{LATER}[cursor-sqlite-sqlite-sqlite]",
    ),
    Mutant(
        "quarantined-row-counted-as-unchanged",
        "quarantine",
        "bridge.capture.window",
        "            unchanged=intake.loaded - inserted - updated,\n"
        "            superseded=gone - deleted,\n"
        "            quarantined=len(intake.refused),",
        "            unchanged=intake.read - inserted - updated,\n"
        "            superseded=gone - deleted,\n"
        "            quarantined=0,",
        f"{LAST_GOOD}[cursor-sqlite-sqlite-sqlite]",
    ),
    Mutant(
        "quarantine-closed-though-not-accepted",
        "quarantine",
        "bridge.capture.window",
        "open_keys = [key for key in quarantine.open_keys() if key not in self._refused]",
        "open_keys = list(quarantine.open_keys())",
        f"{LATER}[compare-sqlite-sqlite-sqlite]",
    ),
    Mutant(
        "quarantined-row-taken-for-deleted",
        "quarantine",
        "bridge.capture.window",
        "                forget_refused(exchange, changes, GONE, intake.refused)\n",
        "",
        f"{LAST_GOOD}[compare-sqlite-sqlite-sqlite]",
    ),
    Mutant(
        "quarantine-not-written",
        "quarantine",
        "bridge.capture.image",
        "        quarantine.open_entries(intake.refused, batch.epoch, batch.seq)\n",
        "",
        f"{LATER}[cursor-sqlite-sqlite-sqlite]",
    ),
    Mutant(
        "refused-again-and-not-counted",
        "quarantine",
        "bridge.ledger.quarantine",
        "statement.values(seen=row.c.seen + 1)",
        "statement.values(seen=row.c.seen)",
        f"{LEDGER}::test_one_open_entry_per_key[sqlite]",
    ),
    Mutant(
        "accepted-row-stays-in-quarantine",
        "quarantine",
        "bridge.capture.window",
        '        quarantine.close(staged, "accepted")\n',
        "",
        f"{LATER}[cursor-sqlite-sqlite-sqlite]",
    ),
)
