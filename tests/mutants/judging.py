"""Bugs in what a batch or a run comes to: verdict, settle."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

__all__ = ["JUDGING"]

TALLY = "tests/unit/test_tally.py"
LEDGER = "tests/conformance/test_ledger.py"
GAPS = "tests/scenario/test_planted_gaps.py"
FEW_SEEDS = "tests/simulation/test_seeds.py::test_few_seeds[0]"
RESTORES = "tests/scenario/test_restores.py"
SIMULATION = "tests/simulation/test_simulation.py"

JUDGING = (
    Mutant(
        "no-deviation-if-only-the-digest-differs",
        "verdict",
        "reconcile.tally",
        "same = (sent.total, sent.digest) == (received.total, received.digest)",
        "same = sent.total == received.total",
        f"{TALLY}::test_deviation_of_changes",
    ),
    Mutant(
        "differences-cancel",
        "verdict",
        "reconcile.tally",
        "            abs(sent.inserted - received.inserted)\n"
        "            + abs(sent.updated - received.updated)\n",
        "            abs(sent.inserted - received.inserted + sent.updated - received.updated)\n",
        f"{TALLY}::test_deviation_of_changes",
    ),
    Mutant(
        "operations-of-an-image-compared",
        "verdict",
        "reconcile.tally",
        "    if image:\n",
        "    if image and not sent.updated:\n",
        f"{TALLY}::test_deviation_of_an_image",
    ),
    Mutant(
        "best-verdict-decides",
        "verdict",
        "reconcile.verdict",
        "return max(verdicts,",
        "return min(verdicts,",
        "tests/unit/test_verdict.py::test_the_earlier_in_precedence_decides",
    ),
    Mutant(
        "in-flight-shown-as-reconciled",
        "verdict",
        "bridge.run",
        "    elif in_flight:\n        outcome.verdict = Verdict.IN_FLIGHT\n",
        "",
        f"{GAPS}::test_change_rows_touched_between_seal_and_push[altered-sqlite]",
    ),
    Mutant(
        "older-deviation-forgotten",
        "verdict",
        "bridge.run",
        "deviated = ledger.open_deviations()",
        "deviated = [b for b in ledger.open_deviations() if b in outcome.batches]",
        f"{GAPS}::test_target_alters_a_value[alter_name-sqlite]",
    ),
    Mutant(
        "deviation-called-reconciled",
        "verdict",
        "bridge.push",
        "ledger.move(batch, State.DEVIATED, deviation=difference, cause=cause.value)",
        "ledger.move(batch, State.RECONCILED, deviation=difference, cause=cause.value)",
        f"{GAPS}::test_target_swallows_a_row[sqlite]",
    ),
    Mutant(
        "a-resync-puts-its-own-deviation-right",
        "verdict",
        "bridge.push",
        "        if any(other.epoch == batch.epoch for other in deviated):\n            return\n",
        "",
        f"{GAPS}::test_a_part_of_a_resync_that_deviates_is_not_put_right_by_the_last[sqlite]",
    ),
    Mutant(
        "altered-receipts-not-looked-at",
        "verdict",
        "bridge.stream",
        "return self.sent == self.received and not self.altered",
        "return self.sent == self.received",
        f"{GAPS}::test_receipt_altered[digest-sqlite]",
    ),
    Mutant(
        "sums-not-compared",
        "verdict",
        "bridge.run",
        "if not deviated and cut is not None and not cut.agrees:",
        "if False:",
        f"{GAPS}::test_receipt_altered[inserted-sqlite]",
    ),
    Mutant(
        "head-of-the-target-not-compared",
        "verdict",
        "bridge.stream",
        "if batch.batch_hash != position.head_hash:",
        "if not batch.batch_hash:",
        f"{GAPS}::test_batch_changed_and_hashed_again[sqlite]",
    ),
    Mutant(
        "chain-not-verified",
        "verdict",
        "bridge.ledger.chain",
        "if link.computed_hash != link.stored_hash:",
        "if not link.stored_hash:",
        f"{GAPS}::test_batch_changed_after_it_was_sealed[window-sqlite]",
    ),
    Mutant(
        "missing-number-not-a-gap",
        "verdict",
        "bridge.ledger.chain",
        "if link.seq != expected:",
        "if link.seq < expected:",
        f"{LEDGER}::test_a_missing_batch_is_a_gap[sqlite]",
    ),
    Mutant(
        "a-target-set-back-not-noticed",
        "verdict",
        "bridge.stream",
        "if confirmed and at < confirmed:",
        "if confirmed is None:",
        f"{GAPS}::test_position_set_back[restored-sqlite]",
    ),
    Mutant(
        "a-ledger-behind-its-target-goes-on",
        "verdict",
        "bridge.stream",
        "        raise _ahead(history, receiver, position, mark)\n",
        "        return\n",
        f"{GAPS}::test_last_batch_removed_from_the_ledger[sqlite]",
    ),
    Mutant(
        "another-machine-not-noticed",
        "verdict",
        "bridge.stream",
        "    if mark.head == head:\n",
        "    if mark.head == head and mark.elsewhere:\n",
        f"{RESTORES}::test_cloned_machine[sqlite]",
    ),
    Mutant(
        "guard-file-not-asked",
        "verdict",
        "bridge.stream",
        "mark.head.epoch < head.epoch or mark.head.head_hash == _hash_at(history, *mark.place):",
        "mark.head:",
        f"{RESTORES}::test_exchange_and_target_restored_to_one_moment[sqlite]",
    ),
    Mutant(
        "another-past-taken-for-its-own",
        "verdict",
        "bridge.stream",
        "if receipt is not None and receipt.batch_hash != batch.batch_hash:",
        "if False:",
        f"{RESTORES}::test_fork_after_two_restores[sqlite]",
    ),
    # -- settle ------------------------------------------------------------------------------
    Mutant(
        "settle-skipped",
        "settle",
        "bridge.run",
        "    _settle(held, plan, outcome)\n    if outcome.observer",
        "    if outcome.observer",
        f"{SIMULATION}::test_crashed_anywhere_all_or_nothing_has_happened[swept]",
    ),
    Mutant(
        "applied-not-settled",
        "settle",
        "bridge.ledger.history",
        "return self._in_state(State.SEALED, State.APPLIED)",
        "return self._in_state(State.SEALED)",
        FEW_SEEDS,
    ),
    Mutant(
        "later-batch-first",
        "settle",
        "bridge.ledger.history",
        "    batch_row.c.epoch, batch_row.c.seq\n)",
        "    batch_row.c.epoch, batch_row.c.seq.desc()\n)",
        f"{LEDGER}::test_unsettled_batches_come_in_order[sqlite]",
    ),
    Mutant(
        "image-pulled-over-before-it-arrived",
        "settle",
        "bridge.run",
        "    if waiting:\n        outcome.verdict = Verdict.IN_FLIGHT\n        return\n",
        "",
        f"{SIMULATION}::test_an_image_under_way_is_not_pulled_over",
    ),
    Mutant(
        "ended-epoch-left-waiting",
        "settle",
        "bridge.ledger.writer",
        "for batch in self._in_state(State.SEALED, State.HELD):",
        "for batch in self._in_state(State.HELD):",
        f"{LEDGER}::test_a_new_epoch_hangs_on_the_last_confirmed_hash[sqlite]",
    ),
    Mutant(
        "epoch-not-beyond-the-targets",
        "settle",
        "bridge.ledger.writer",
        "epoch = max(standing.epoch, minimum) + 1",
        "epoch = standing.epoch + 1",
        f"{LEDGER}::test_a_new_epoch_takes_the_receivers_word[sqlite]",
    ),
    Mutant(
        "what-was-cut-off-is-all-there-is",
        "settle",
        "bridge.pull",
        "return Pulled(begun=not held.ledger().held())",
        "return Pulled()",
        f"{SIMULATION}::test_a_run_that_finishes_an_older_window_goes_on",
    ),
    Mutant(
        "failed-push-forgotten",
        "settle",
        "bridge.pushing",
        "        if kind is None:\n            self._raise()\n",
        "        if kind is None:\n",
        f"{GAPS}::test_target_refuses_the_last_part_of_an_image[postgresql]",
    ),
)
