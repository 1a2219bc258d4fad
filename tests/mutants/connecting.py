"""Bugs in the connectors of servers: what they see, load, print and hold."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

__all__ = ["CONNECTING"]

POSTGRESQL = "tests/conformance/test_connector_postgresql.py"
MYSQL = "tests/conformance/test_connector_mysql.py"
MYSQL_WORK = "tests/conformance/test_mysql_work.py"
READING = "tests/conformance/test_connector_reading.py"
POOLER = "tests/conformance/test_connector_pooler.py"
SESSIONS = "tests/conformance/test_connector_sessions.py"
SILENCE = "tests/conformance/test_connector_silence.py"
SHEET = "tests/conformance/test_connector_sheet.py"
UNMET = "tests/unit/test_unmet_families.py"
QUESTIONS = "tests/unit/test_unmet_questions.py"
VALUES = "tests/unit/test_unmet_values.py"
NO_HORIZON = "tests/scenario/test_no_horizon.py"

CONNECTING = (
    Mutant(
        "work-of-other-roles-not-seen",
        "horizon",
        "connectors.postgresql.server",
        "a.usesysid IS NOT NULL AND",
        "a.usename = current_user AND",
        f"{POSTGRESQL}::test_who_has_no_right_sees_the_work_of_everybody",
    ),
    Mutant(
        "prepared-transactions-read-before-the-others",
        "horizon",
        "connectors.mysql.work",
        "            executing = _executing(session, spelling)\n"
        "            session.execute(_MARKER)\n",
        "            early = session.rows\n"
        '            listed = early("XA RECOVER")\n'
        '            session.rows = lambda q: listed if q == "XA RECOVER" else early(q)\n'
        "            executing = _executing(session, spelling)\n"
        "            session.execute(_MARKER)\n",
        f"{MYSQL_WORK}::test_work_that_is_prepared_between_two_readings",
    ),
    Mutant(
        "what-is-sent-to-a-replica-is-open-work",
        "horizon",
        "connectors.mysql.work",
        " AND NOT {_SENDS.format('t.processlist_command')}",
        "",
        f"{MYSQL_WORK}::test_a_replica_that_waits_for_more_holds_nothing[MySQL]",
    ),
    Mutant(
        "words-of-a-trigger-are-repeated",
        "quarantine",
        "connectors.mysql.errors",
        "elif connected and not _OWN_WORDS.fullmatch(text):",
        "elif not connected and not _OWN_WORDS.fullmatch(text):",
        f"{SESSIONS}::test_a_trigger_is_not_repeated_whatever_code_it_chooses[mysql]",
    ),
    Mutant(
        "errors-of-a-sheet-lost-on-the-edge-of-a-block",
        "classify",
        "connectors.sheet.survey",
        "if len(block) - cut > _LONGEST_TAG:",
        "if len(block) - cut < _LONGEST_TAG:",
        f"{SHEET}::test_an_error_is_seen_wherever_it_lies_in_a_large_sheet[9]",
    ),
    Mutant(
        "rows-end-where-the-server-limits-them",
        "classify",
        "connectors.mysql.session",
        "sql_select_limit = 18446744073709551615, ",
        "",
        f"{MYSQL}::test_what_a_server_sets_for_its_sessions_changes_no_value[mysql]",
    ),
    Mutant(
        "rows-that-end-in-an-error-are-all-there-is",
        "classify",
        "connectors.postgresql.copy",
        "if result is not None and result.status != ExecStatus.COMMAND_OK:",
        "if False:",
        f"{POSTGRESQL}::test_rows_that_end_in_an_error_are_not_all_there_is[off-postgresql]",
    ),
    Mutant(
        "any-collation-taken-for-the-order-of-bytes",
        "classify",
        "connectors.postgresql.catalogue",
        "'ucs_basic', 'pg_c_utf8'), false),",
        "'ucs_basic', 'pg_c_utf8'), true) OR true,",
        f"{POSTGRESQL}::test_a_collation_tells_how_texts_sort_and_fold",
    ),
    Mutant(
        "unique-among-some-rows-is-a-key",
        "classify",
        "connectors.postgresql.catalogue",
        "i.indisunique AND i.indpred IS NULL AND",
        "i.indisunique AND",
        f"{READING}::test_what_tells_no_rows_apart_is_no_key[postgresql]",
    ),
    Mutant(
        "keys-in-an-order-of-the-store-s-own",
        "classify",
        "connectors.mysql.dialect",
        "(*_TEXTS, Kind.UUID)",
        "_TEXTS",
        f"{MYSQL}::test_keys_with_an_order_of_their_own_are_read_in_that_of_texts[uuid]",
    ),
    Mutant(
        "a-failed-transaction-goes-on-in-another",
        "apply",
        "connectors.odbc.driver",
        '"Protocol": "7.4-0"',
        '"Protocol": "7.4-1"',
        f"{POSTGRESQL}::test_a_transaction_that_has_failed_goes_on_with_nothing[odbc-postgresql]",
    ),
    Mutant(
        "what-the-server-warns-of-is-loaded",
        "apply",
        "connectors.mysql.load",
        "if not count and loaded == rows:",
        "if loaded == rows:",
        f"{MYSQL}::test_what_the_server_only_warns_of_is_refused[load data]",
    ),
    Mutant(
        "moments-in-the-zone-of-the-server",
        "digest",
        "connectors.mysql.session",
        "time_zone = '+00:00', ",
        "",
        f"{MYSQL}::test_what_a_server_sets_for_its_sessions_changes_no_value[mysql]",
    ),
    Mutant(
        "state-chosen-before-its-table-is-open",
        "classify",
        "connectors.mysql.session",
        '"START TRANSACTION READ ONLY",',
        '"START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",',
        "tests/scenario/test_replaced_table.py::test_nothing_is_taken_for_gone_of_mariadb[window]",
    ),
    Mutant(
        "one-lock-let-go-is-all-let-go",
        "lock",
        "connectors.postgresql.server",
        'Statement("SELECT pg_advisory_unlock(%s::bigint)", (number,))',
        '"SELECT pg_advisory_unlock_all()"',
        f"{SESSIONS}::test_a_lock_that_ends_takes_no_other_with_it[postgresql]",
    ),
    Mutant(
        "a-transaction-in-another-session-than-the-last",
        "lock",
        "connectors.postgresql.connector",
        "if not is_marked(cursor, self._mark, UndefinedObject):",
        "if False:",
        f"{POOLER}::test_the_session_of_a_transaction_is_the_one_of_the_last[snapshot-postgresql]",
    ),
    Mutant(
        "a-lock-of-each-process-its-own",
        "lock",
        "connectors.mysql.server",
        "hashlib.sha256(name.encode()).hexdigest()",
        "str(hash(name))",
        f"{MYSQL}::test_a_lock_has_one_name_whoever_asks",
    ),
    Mutant(
        "no-day-taken-for-null",
        "classify",
        "connectors.mysql.dialect",
        'return f"{self.column(alias, key[0].name)} <=> NULL"',
        'return f"{self.column(alias, key[0].name)} IS NULL"',
        "tests/scenario/test_key_order.py::test_days_that_are_none_are_a_key[compare-date-mysql]",
    ),
    Mutant(
        "words-of-a-source-run-by-a-dba",
        "classify",
        "connectors.mysql.types",
        'comment.replace("\\\\", "\\N{FULLWIDTH REVERSE SOLIDUS}")',
        "comment",
        f"{MYSQL}::test_no_backslash_of_a_comment_stands_in_what_a_dba_may_run",
    ),
    Mutant(
        "bits-of-a-key-kept-as-text",
        "classify",
        "connectors.mysql.types",
        "if (kind.kind in _TEXTS and not is_bits(kind)) or",
        "if kind.kind in _TEXTS or",
        "tests/scenario/test_key_order.py::test_bits_are_a_key[mysql-mysql-mysql-cursor]",
    ),
    Mutant(
        "commits-that-a-crash-takes-back",
        "apply",
        "connectors.postgresql.server",
        "WHERE current_setting('synchronous_commit') = 'off';",
        "WHERE false;",
        "tests/scenario/test_database_faults.py::test_what_postgresql_has_committed_stays[target]",
    ),
    Mutant(
        "rows-that-a-policy-hides-left-out",
        "classify",
        "connectors.postgresql.server",
        "SET row_security = off;\n",
        "",
        "tests/scenario/test_bad_input.py::test_a_mistake_is_told_and_harms_nothing"
        "[rows that a policy hides]",
    ),
    Mutant(
        "an-older-file-in-place-of-the-newest",
        "classify",
        "connectors.sheet.connector",
        "if waiting and not (names_only and newest):",
        "if waiting and not newest:",
        f"{SHEET}::test_of_a_pattern_no_older_file_stands_in_for_the_newest",
    ),
    Mutant(
        "two-charsets-read-as-one",
        "classify",
        "connectors.sheet.delimited",
        'if utf8 <= _FEW * (utf8 + other) and _decodes(path, "gb18030"):',
        'if _decodes(path, "gb18030"):',
        f"{SHEET}::test_two_charsets_in_one_file_are_no_charset",
    ),
    Mutant(
        "a-commit-as-the-driver-believes-it",
        "apply",
        "connectors.odbc.alchemy",
        'dbapi_connection.cursor().execute("COMMIT")',
        "dbapi_connection.commit()",
        f"{SILENCE}::test_what_is_told_as_committed_is[odbc-postgresql]",
    ),
    Mutant(
        "the-schema-of-an-endpoint-not-entered",
        "classify",
        "connectors.postgresql.connector",
        "            if self.endpoint.schema:\n",
        "            if False:\n",
        f"{POSTGRESQL}::test_a_name_alone_is_looked_for_in_the_schema_of_the_endpoint[postgresql]",
    ),
    Mutant(
        "a-standby-shows-who-writes",
        "horizon",
        "connectors.oracle.connector",
        'if role not in (None, "PRIMARY"):',
        "if False:",
        f"{UNMET}::test_a_standby_does_not_show_who_writes[oracle]",
    ),
    Mutant(
        "an-idle-transaction-of-sql-server-is-no-work",
        "horizon",
        "connectors.mssql.catalogue",
        "AND (s.open_transaction_count > 0 OR (r.session_id IS NOT NULL",
        "AND ((r.session_id IS NOT NULL",
        f"{QUESTIONS}::test_work_at_sql_server",
    ),
    Mutant(
        "a-lock-of-the-statement-that-took-it",
        "lock",
        "connectors.mssql.connector",
        "\"@LockOwner = 'Session', @LockTimeout",
        "\"@LockOwner = 'Transaction', @LockTimeout",
        f"{UNMET}::test_time_work_and_locks[mssql]",
    ),
    Mutant(
        "money-of-sql-server-as-its-default-style-spells-it",
        "digest",
        "connectors.mssql.dialect",
        'plain = f"CAST({expression} AS {self.ddl(kind)})"',
        "plain = expression",
        f"{VALUES}::test_money_keeps_four_digits[money-19,4]",
    ),
    Mutant(
        "a-window-read-to-its-end-keeps-the-sweep-out",
        "classify",
        "connectors.postgresql.kin",
        "        self._end_stream()  # it may",
        "        # it may",
        f"{READING}::test_a_stream_follows_another_that_nobody_has_closed[kingbase]",
    ),
    Mutant(
        "what-lies-under-a-view-is-not-looked-at",
        "horizon",
        "connectors.postgresql.telling",
        "ON found.whole_oid = seen.oid)",
        "ON found.whole_oid = seen.oid AND false)",
        f"{NO_HORIZON}::test_a_materialized_view_brings_rows_under_stamps_of_before[postgresql]",
    ),
    Mutant(
        "transactions-of-any-engine-are-seen",
        "horizon",
        "connectors.mysql.view",
        'if engine.upper() != "INNODB"',
        'if engine.upper() not in ("INNODB", "FEDERATED")',
        f"{NO_HORIZON}::test_an_engine_whose_transactions_are_another_servers[mysql]",
    ),
)
