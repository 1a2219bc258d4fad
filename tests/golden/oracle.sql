-- changes.create
CREATE TABLE "exchange"."population" ("region" NUMBER(10,0), "id_no" CHAR(18 CHAR), "姓名" VARCHAR2(50 CHAR), "100%" NUMBER(5,2), "ratio" BINARY_DOUBLE, "alive" VARCHAR2(5 CHAR), "born" DATE, "photo" CLOB, "tag" VARCHAR2(36 CHAR), "more" CLOB, "seen" TIMESTAMP(3) WITH TIME ZONE, "bh_cursor" TIMESTAMP(6), "bh_epoch" NUMBER(20,0) NOT NULL, "bh_seq" NUMBER(20,0) NOT NULL, CHECK ("born" = TRUNC("born")), CONSTRAINT "bh_key_population" PRIMARY KEY ("region", "id_no"));
CREATE TABLE "exchange"."population_bh" ("bh_epoch" NUMBER(20,0) NOT NULL, "bh_seq" NUMBER(20,0) NOT NULL, "bh_op" CHAR(1) NOT NULL, "region" NUMBER(10,0), "id_no" CHAR(18 CHAR), "姓名" VARCHAR2(50 CHAR), "100%" NUMBER(5,2), "ratio" BINARY_DOUBLE, "alive" VARCHAR2(5 CHAR), "born" DATE, "photo" CLOB, "tag" VARCHAR2(36 CHAR), "more" CLOB, "seen" TIMESTAMP(3) WITH TIME ZONE);
CREATE INDEX "bh_seq_population_bh" ON "exchange"."population_bh" ("bh_epoch", "bh_seq");

-- changes.drop
BEGIN EXECUTE IMMEDIATE 'DROP TABLE "exchange"."population" PURGE'; EXCEPTION WHEN OTHERS THEN IF SQLCODE <> -942 THEN RAISE; END IF; END;;
BEGIN EXECUTE IMMEDIATE 'DROP TABLE "exchange"."population_bh" PURGE'; EXCEPTION WHEN OTHERS THEN IF SQLCODE <> -942 THEN RAISE; END IF; END;;

-- changes.stage
DELETE FROM "bh_stage";
DELETE FROM "bh_gone";
DELETE FROM "bh_late";

-- changes.see
DELETE FROM "bh_seen";

-- changes.classify
INSERT INTO "exchange"."population_bh" ("bh_epoch", "bh_seq", "bh_op", "region", "id_no", "姓名", "100%", "ratio", "alive", "born", "photo", "tag", "more", "seen")
SELECT :v, :v, CASE WHEN c."region" IS NULL THEN 'I' ELSE 'U' END, s."region", s."id_no", s."姓名", s."100%", s."ratio", s."alive", s."born", s."photo", s."tag", s."more", s."seen"
FROM "bh_stage" s
LEFT JOIN "exchange"."population" c ON c."region" = s."region" AND c."id_no" = s."id_no"
WHERE c."region" IS NULL OR DECODE(s."姓名", c."姓名", 0, 1) = 1 OR DECODE(s."100%", c."100%", 0, 1) = 1 OR DECODE(s."ratio", c."ratio", 0, 1) = 1 OR DECODE(s."alive", c."alive", 0, 1) = 1 OR DECODE(s."born", c."born", 0, 1) = 1 OR NVL(DBMS_LOB.COMPARE(s."photo", c."photo"), CASE WHEN s."photo" IS NULL AND c."photo" IS NULL THEN 0 ELSE 1 END) <> 0 OR DECODE(s."tag", c."tag", 0, 1) = 1 OR NVL(DBMS_LOB.COMPARE(s."more", c."more"), CASE WHEN s."more" IS NULL AND c."more" IS NULL THEN 0 ELSE 1 END) <> 0 OR DECODE(s."seen", c."seen", 0, 1) = 1;
-- values: 1, 7
INSERT INTO "exchange"."population_bh" ("bh_epoch", "bh_seq", "bh_op", "region", "id_no")
SELECT :v, :v, 'D', g."region", g."id_no"
FROM "bh_gone" g
JOIN "exchange"."population" c ON c."region" = g."region" AND c."id_no" = g."id_no";
-- values: 1, 7

-- changes.count_changes
SELECT "bh_op", count(*)
FROM "exchange"."population_bh"
WHERE "bh_epoch" = :v AND "bh_seq" = :v
GROUP BY "bh_op";
-- values: 1, 7

-- changes.apply
DELETE FROM "exchange"."population" c
WHERE EXISTS (SELECT 1 FROM "exchange"."population_bh" h WHERE h."bh_epoch" = :v AND h."bh_seq" = :v AND h."bh_op" <> 'I' AND h."region" = c."region" AND h."id_no" = c."id_no");
-- values: 1, 7
INSERT INTO "exchange"."population" ("region", "id_no", "姓名", "100%", "ratio", "alive", "born", "photo", "tag", "more", "seen", "bh_cursor", "bh_epoch", "bh_seq")
SELECT s."region", s."id_no", s."姓名", s."100%", s."ratio", s."alive", s."born", s."photo", s."tag", s."more", s."seen", s."bh_cursor", :v, :v
FROM "bh_stage" s
JOIN "exchange"."population_bh" h ON h."bh_epoch" = :v AND h."bh_seq" = :v AND h."region" = s."region" AND h."id_no" = s."id_no";
-- values: 1, 7, 1, 7
MERGE INTO "exchange"."population" c
USING "bh_stage" s
ON (c."region" = s."region" AND c."id_no" = s."id_no")
WHEN MATCHED THEN UPDATE SET "bh_cursor" = s."bh_cursor"
WHERE DECODE(c."bh_cursor", s."bh_cursor", 0, 1) = 1;

-- changes.refresh_cursor
MERGE INTO "exchange"."population" c
USING "bh_stage" s
ON (c."region" = s."region" AND c."id_no" = s."id_no")
WHEN MATCHED THEN UPDATE SET "bh_cursor" = s."bh_cursor"
WHERE DECODE(c."bh_cursor", s."bh_cursor", 0, 1) = 1;

-- changes.sealed_lines
SELECT CASE WHEN "bh_op" = 'D' THEN TO_CLOB(coalesce(REGEXP_REPLACE(TO_CHAR("region", 'TM9'), '^(-{0,1})[.]', '\10.'), '\N')) || '<TAB>' || coalesce(replace(replace(RTRIM("id_no"), '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>\D' ELSE TO_CLOB(coalesce(REGEXP_REPLACE(TO_CHAR("region", 'TM9'), '^(-{0,1})[.]', '\10.'), '\N')) || '<TAB>' || coalesce(replace(replace(RTRIM("id_no"), '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(replace(replace("姓名", '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(REGEXP_REPLACE(TO_CHAR("100%", 'TM9'), '^(-{0,1})[.]', '\10.'), '\N') || '<TAB>' || CASE WHEN "ratio" IS NULL THEN '\N' ELSE '\F' || CASE WHEN "ratio" IS NAN OR "ratio" IS INFINITE THEN TO_CHAR("ratio") ELSE TO_CHAR("ratio", 'FM9.9999999999999999EEEE') END END || '<TAB>' || coalesce(replace(replace("alive", '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(REPLACE(LTRIM(TO_CHAR("born", 'SYYYY-MM-DD HH24:MI:SS')), ' 00:00:00'), '\N') || '<TAB>' || CASE WHEN "photo" IS NULL THEN TO_CLOB('\N') ELSE REPLACE(REPLACE("photo", '\', '\\'), '<TAB>', '\t') END || '<TAB>' || coalesce(replace(replace("tag", '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || CASE WHEN "more" IS NULL THEN TO_CLOB('\N') ELSE REPLACE(REPLACE("more", '\', '\\'), '<TAB>', '\t') END || '<TAB>' || coalesce(LTRIM(RTRIM(RTRIM(TO_CHAR("seen" AT TIME ZONE 'UTC', 'SYYYY-MM-DD HH24:MI:SS.FF9'), '0'), '.')) || '+00', '\N') END AS line
FROM "exchange"."population_bh"
WHERE "bh_epoch" = :v AND "bh_seq" = :v;
-- values: 1, 7

-- changes.image_lines
SELECT TO_CLOB(coalesce(REGEXP_REPLACE(TO_CHAR("region", 'TM9'), '^(-{0,1})[.]', '\10.'), '\N')) || '<TAB>' || coalesce(replace(replace(RTRIM("id_no"), '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(replace(replace("姓名", '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(REGEXP_REPLACE(TO_CHAR("100%", 'TM9'), '^(-{0,1})[.]', '\10.'), '\N') || '<TAB>' || CASE WHEN "ratio" IS NULL THEN '\N' ELSE '\F' || CASE WHEN "ratio" IS NAN OR "ratio" IS INFINITE THEN TO_CHAR("ratio") ELSE TO_CHAR("ratio", 'FM9.9999999999999999EEEE') END END || '<TAB>' || coalesce(replace(replace("alive", '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(REPLACE(LTRIM(TO_CHAR("born", 'SYYYY-MM-DD HH24:MI:SS')), ' 00:00:00'), '\N') || '<TAB>' || CASE WHEN "photo" IS NULL THEN TO_CLOB('\N') ELSE REPLACE(REPLACE("photo", '\', '\\'), '<TAB>', '\t') END || '<TAB>' || coalesce(replace(replace("tag", '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || CASE WHEN "more" IS NULL THEN TO_CLOB('\N') ELSE REPLACE(REPLACE("more", '\', '\\'), '<TAB>', '\t') END || '<TAB>' || coalesce(LTRIM(RTRIM(RTRIM(TO_CHAR("seen" AT TIME ZONE 'UTC', 'SYYYY-MM-DD HH24:MI:SS.FF9'), '0'), '.')) || '+00', '\N') AS line
FROM "exchange"."population"
WHERE (("region" > TO_NUMBER(:v)) OR ("region" = TO_NUMBER(:v) AND "id_no" > CAST(:v AS CHAR(18 CHAR)))) AND (("region" < TO_NUMBER(:v)) OR ("region" = TO_NUMBER(:v) AND "id_no" <= CAST(:v AS CHAR(18 CHAR))));
-- values: '1', '1', 'a', '2', '2', 'b'

-- changes.keyed_lines
SELECT REGEXP_REPLACE(TO_CHAR("region", 'TM9'), '^(-{0,1})[.]', '\10.') AS "bh_0", RTRIM("id_no") AS "bh_1", TO_CLOB(coalesce(REGEXP_REPLACE(TO_CHAR("region", 'TM9'), '^(-{0,1})[.]', '\10.'), '\N')) || '<TAB>' || coalesce(replace(replace(RTRIM("id_no"), '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(replace(replace("姓名", '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(REGEXP_REPLACE(TO_CHAR("100%", 'TM9'), '^(-{0,1})[.]', '\10.'), '\N') || '<TAB>' || CASE WHEN "ratio" IS NULL THEN '\N' ELSE '\F' || CASE WHEN "ratio" IS NAN OR "ratio" IS INFINITE THEN TO_CHAR("ratio") ELSE TO_CHAR("ratio", 'FM9.9999999999999999EEEE') END END || '<TAB>' || coalesce(replace(replace("alive", '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(REPLACE(LTRIM(TO_CHAR("born", 'SYYYY-MM-DD HH24:MI:SS')), ' 00:00:00'), '\N') || '<TAB>' || CASE WHEN "photo" IS NULL THEN TO_CLOB('\N') ELSE REPLACE(REPLACE("photo", '\', '\\'), '<TAB>', '\t') END || '<TAB>' || coalesce(replace(replace("tag", '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || CASE WHEN "more" IS NULL THEN TO_CLOB('\N') ELSE REPLACE(REPLACE("more", '\', '\\'), '<TAB>', '\t') END || '<TAB>' || coalesce(LTRIM(RTRIM(RTRIM(TO_CHAR("seen" AT TIME ZONE 'UTC', 'SYYYY-MM-DD HH24:MI:SS.FF9'), '0'), '.')) || '+00', '\N') AS line
FROM "exchange"."population"
WHERE (("region" > TO_NUMBER(:v)) OR ("region" = TO_NUMBER(:v) AND "id_no" > CAST(:v AS CHAR(18 CHAR)))) AND (("region" < TO_NUMBER(:v)) OR ("region" = TO_NUMBER(:v) AND "id_no" <= CAST(:v AS CHAR(18 CHAR))));
-- values: '1', '1', 'a', '2', '2', 'b'

-- changes.key_at
SELECT REGEXP_REPLACE(TO_CHAR(k."region", 'TM9'), '^(-{0,1})[.]', '\10.'), RTRIM(k."id_no")
FROM "exchange"."population" k
WHERE ((k."region" > TO_NUMBER(:v)) OR (k."region" = TO_NUMBER(:v) AND k."id_no" > CAST(:v AS CHAR(18 CHAR)))) AND ((k."region" < TO_NUMBER(:v)) OR (k."region" = TO_NUMBER(:v) AND k."id_no" <= CAST(:v AS CHAR(18 CHAR))))
ORDER BY k."region", k."id_no"
OFFSET 1000 ROWS FETCH NEXT 1 ROWS ONLY;
-- values: '1', '1', 'a', '2', '2', 'b'

-- changes.highest_key
SELECT REGEXP_REPLACE(TO_CHAR(k."region", 'TM9'), '^(-{0,1})[.]', '\10.'), RTRIM(k."id_no")
FROM "exchange"."population" k
ORDER BY k."region" DESC, k."id_no" DESC
OFFSET 0 ROWS FETCH NEXT 1 ROWS ONLY;

-- changes.settle_differences
DELETE FROM "bh_gone" x
WHERE EXISTS (SELECT 1 FROM "bh_late" y WHERE y."region" = x."region" AND y."id_no" = x."id_no");
DELETE FROM "bh_late" x
WHERE EXISTS (SELECT 1 FROM "bh_stage" y WHERE y."region" = x."region" AND y."id_no" = x."id_no");

-- changes.forget_young
DELETE FROM "bh_late"
WHERE "bh_cursor" >= TO_TIMESTAMP(:v, 'YYYY-MM-DD HH24:MI:SS.FF9') AND "bh_cursor" < TO_TIMESTAMP(:v, 'YYYY-MM-DD HH24:MI:SS.FF9');
-- values: '2024-01-01 00:00:00', '2024-01-02 00:00:00'

-- changes.late_keys
SELECT REGEXP_REPLACE(TO_CHAR(k."region", 'TM9'), '^(-{0,1})[.]', '\10.'), RTRIM(k."id_no")
FROM "bh_late" k
ORDER BY k."region", k."id_no"
OFFSET 0 ROWS FETCH NEXT 1000 ROWS ONLY;

-- changes.forget
DELETE FROM "bh_gone"
WHERE (("region" = TO_NUMBER(:v) AND "id_no" = CAST(:v AS CHAR(18 CHAR))) OR ("region" = TO_NUMBER(:v) AND "id_no" = CAST(:v AS CHAR(18 CHAR))));
-- values: '1', 'a', '2', 'b'

-- changes.missing_in_stage
INSERT INTO "bh_gone" ("region", "id_no")
SELECT c."region", c."id_no"
FROM "exchange"."population" c
LEFT JOIN "bh_stage" s ON s."region" = c."region" AND s."id_no" = c."id_no"
WHERE s."region" IS NULL AND 1 = 1;

-- effects.apply (business)
DELETE FROM "population" t
WHERE EXISTS (SELECT 1 FROM "bh_incoming_4f9edc4d3ed0" i WHERE t."region" = i."region" AND t."id_no" = i."id_no" AND i."bh_op" = 'D');
MERGE INTO "population" t
USING "bh_incoming_4f9edc4d3ed0" i
ON (t."region" = i."region" AND t."id_no" = i."id_no")
WHEN MATCHED THEN UPDATE SET "姓名" = i."姓名", "100%" = i."100%", "ratio" = i."ratio", "alive" = i."alive", "born" = i."born", "photo" = i."photo", "tag" = i."tag", "more" = i."more", "seen" = i."seen"
WHERE i."bh_op" <> 'D';
INSERT INTO "population" ("region", "id_no", "姓名", "100%", "ratio", "alive", "born", "photo", "tag", "more", "seen")
SELECT i."region", i."id_no", i."姓名", i."100%", i."ratio", i."alive", i."born", i."photo", i."tag", i."more", i."seen"
FROM "bh_incoming_4f9edc4d3ed0" i
WHERE i."bh_op" <> 'D' AND NOT EXISTS (SELECT 1 FROM "population" t WHERE t."region" = i."region" AND t."id_no" = i."id_no");

-- effects.apply (owned)
DELETE FROM "population" t
WHERE EXISTS (SELECT 1 FROM "bh_incoming_4f9edc4d3ed0" i WHERE t."region" = i."region" AND t."id_no" = i."id_no");
INSERT INTO "population" ("region", "id_no", "姓名", "100%", "ratio", "alive", "born", "photo", "tag", "more", "seen")
SELECT i."region", i."id_no", i."姓名", i."100%", i."ratio", i."alive", i."born", i."photo", i."tag", i."more", i."seen"
FROM "bh_incoming_4f9edc4d3ed0" i
WHERE i."bh_op" <> 'D';

-- effects.insert_staged
INSERT INTO "population" ("region", "id_no", "姓名", "100%", "ratio", "alive", "born", "photo", "tag", "more", "seen")
SELECT i."region", i."id_no", i."姓名", i."100%", i."ratio", i."alive", i."born", i."photo", i."tag", i."more", i."seen"
FROM "bh_incoming_4f9edc4d3ed0" i
WHERE i."bh_op" <> 'D';

-- effects.create
CREATE TABLE "population" ("region" NUMBER(10,0), "id_no" CHAR(18 CHAR), "姓名" VARCHAR2(50 CHAR), "100%" NUMBER(5,2), "ratio" BINARY_DOUBLE, "alive" VARCHAR2(5 CHAR), "born" DATE, "photo" CLOB, "tag" VARCHAR2(36 CHAR), "more" CLOB, "seen" TIMESTAMP(3) WITH TIME ZONE, CHECK ("born" = TRUNC("born")), PRIMARY KEY ("region", "id_no"));
COMMENT ON TABLE "population" IS 'population''s table';
COMMENT ON COLUMN "population"."姓名" IS 'the person''s name';

-- effects.add_columns
ALTER TABLE "population" ADD ("more" CLOB);
ALTER TABLE "population" ADD ("seen" TIMESTAMP(3) WITH TIME ZONE);

-- effects.empty_columns
UPDATE "population" SET "born" = NULL, "姓名" = NULL;

-- effects.prepare
BEGIN EXECUTE IMMEDIATE 'DROP TABLE "bh_incoming_4f9edc4d3ed0" PURGE'; EXCEPTION WHEN OTHERS THEN IF SQLCODE <> -942 THEN RAISE; END IF; END;;
CREATE GLOBAL TEMPORARY TABLE "bh_incoming_4f9edc4d3ed0" ("bh_op" VARCHAR2(1 CHAR), "region" NUMBER(10,0), "id_no" CHAR(18 CHAR), "姓名" VARCHAR2(50 CHAR), "100%" NUMBER(5,2), "ratio" BINARY_DOUBLE, "alive" VARCHAR2(5 CHAR), "born" DATE, "photo" CLOB, "tag" VARCHAR2(36 CHAR), "more" CLOB, "seen" TIMESTAMP(3) WITH TIME ZONE, CHECK ("born" = TRUNC("born")), PRIMARY KEY ("region", "id_no")) ON COMMIT DELETE ROWS;
BEGIN EXECUTE IMMEDIATE 'DROP TABLE "bh_present_4f9edc4d3ed0" PURGE'; EXCEPTION WHEN OTHERS THEN IF SQLCODE <> -942 THEN RAISE; END IF; END;;
CREATE GLOBAL TEMPORARY TABLE "bh_present_4f9edc4d3ed0" ("region" NUMBER(10,0), "id_no" CHAR(18 CHAR), PRIMARY KEY ("region", "id_no")) ON COMMIT DELETE ROWS;

-- effects.stage
DELETE FROM "bh_incoming_4f9edc4d3ed0";
DELETE FROM "bh_present_4f9edc4d3ed0";

-- effects.clear
-- nothing;

-- effects.note_present
INSERT INTO "bh_present_4f9edc4d3ed0" ("region", "id_no")
SELECT t."region", t."id_no"
FROM "population" t
JOIN "bh_incoming_4f9edc4d3ed0" i ON t."region" = i."region" AND t."id_no" = i."id_no";

-- effects.lines
SELECT i."bh_op", CASE WHEN p."region" IS NULL THEN 0 ELSE 1 END AS "bh_before", CASE WHEN t."region" IS NULL THEN 0 ELSE 1 END AS "bh_after",
CASE WHEN t."region" IS NULL THEN TO_CLOB(coalesce(REGEXP_REPLACE(TO_CHAR(i."region", 'TM9'), '^(-{0,1})[.]', '\10.'), '\N')) || '<TAB>' || coalesce(replace(replace(RTRIM(i."id_no"), '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>\D' ELSE TO_CLOB(coalesce(REGEXP_REPLACE(TO_CHAR(t."region", 'TM9'), '^(-{0,1})[.]', '\10.'), '\N')) || '<TAB>' || coalesce(replace(replace(RTRIM(t."id_no"), '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(replace(replace(t."姓名", '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(REGEXP_REPLACE(TO_CHAR(t."100%", 'TM9'), '^(-{0,1})[.]', '\10.'), '\N') || '<TAB>' || CASE WHEN t."ratio" IS NULL THEN '\N' ELSE '\F' || CASE WHEN t."ratio" IS NAN OR t."ratio" IS INFINITE THEN TO_CHAR(t."ratio") ELSE TO_CHAR(t."ratio", 'FM9.9999999999999999EEEE') END END || '<TAB>' || coalesce(replace(replace(t."alive", '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(REPLACE(LTRIM(TO_CHAR(t."born", 'SYYYY-MM-DD HH24:MI:SS')), ' 00:00:00'), '\N') || '<TAB>' || CASE WHEN t."photo" IS NULL THEN TO_CLOB('\N') ELSE REPLACE(REPLACE(t."photo", '\', '\\'), '<TAB>', '\t') END || '<TAB>' || coalesce(replace(replace(t."tag", '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || CASE WHEN t."more" IS NULL THEN TO_CLOB('\N') ELSE REPLACE(REPLACE(t."more", '\', '\\'), '<TAB>', '\t') END || '<TAB>' || coalesce(LTRIM(RTRIM(RTRIM(TO_CHAR(t."seen" AT TIME ZONE 'UTC', 'SYYYY-MM-DD HH24:MI:SS.FF9'), '0'), '.')) || '+00', '\N') END AS line
FROM "bh_incoming_4f9edc4d3ed0" i
LEFT JOIN "bh_present_4f9edc4d3ed0" p ON p."region" = i."region" AND p."id_no" = i."id_no"
LEFT JOIN "population" t ON t."region" = i."region" AND t."id_no" = i."id_no";

-- effects.lines, digested
SELECT "bh_op", "bh_before", "bh_after", line
FROM (SELECT i."bh_op", CASE WHEN p."region" IS NULL THEN 0 ELSE 1 END AS "bh_before", CASE WHEN t."region" IS NULL THEN 0 ELSE 1 END AS "bh_after",
CASE WHEN t."region" IS NULL THEN TO_CLOB(coalesce(REGEXP_REPLACE(TO_CHAR(i."region", 'TM9'), '^(-{0,1})[.]', '\10.'), '\N')) || '<TAB>' || coalesce(replace(replace(RTRIM(i."id_no"), '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>\D' ELSE TO_CLOB(coalesce(REGEXP_REPLACE(TO_CHAR(t."region", 'TM9'), '^(-{0,1})[.]', '\10.'), '\N')) || '<TAB>' || coalesce(replace(replace(RTRIM(t."id_no"), '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(replace(replace(t."姓名", '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(REGEXP_REPLACE(TO_CHAR(t."100%", 'TM9'), '^(-{0,1})[.]', '\10.'), '\N') || '<TAB>' || CASE WHEN t."ratio" IS NULL THEN '\N' ELSE '\F' || CASE WHEN t."ratio" IS NAN OR t."ratio" IS INFINITE THEN TO_CHAR(t."ratio") ELSE TO_CHAR(t."ratio", 'FM9.9999999999999999EEEE') END END || '<TAB>' || coalesce(replace(replace(t."alive", '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(REPLACE(LTRIM(TO_CHAR(t."born", 'SYYYY-MM-DD HH24:MI:SS')), ' 00:00:00'), '\N') || '<TAB>' || CASE WHEN t."photo" IS NULL THEN TO_CLOB('\N') ELSE REPLACE(REPLACE(t."photo", '\', '\\'), '<TAB>', '\t') END || '<TAB>' || coalesce(replace(replace(t."tag", '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || CASE WHEN t."more" IS NULL THEN TO_CLOB('\N') ELSE REPLACE(REPLACE(t."more", '\', '\\'), '<TAB>', '\t') END || '<TAB>' || coalesce(LTRIM(RTRIM(RTRIM(TO_CHAR(t."seen" AT TIME ZONE 'UTC', 'SYYYY-MM-DD HH24:MI:SS.FF9'), '0'), '.')) || '+00', '\N') END AS line
FROM "bh_incoming_4f9edc4d3ed0" i
LEFT JOIN "bh_present_4f9edc4d3ed0" p ON p."region" = i."region" AND p."id_no" = i."id_no"
LEFT JOIN "population" t ON t."region" = i."region" AND t."id_no" = i."id_no") l;

-- effects.count_present
SELECT count(*) FROM "bh_present_4f9edc4d3ed0";

-- effects.count_after
SELECT count(*), count(p."region")
FROM "bh_incoming_4f9edc4d3ed0" i
JOIN "population" t ON t."region" = i."region" AND t."id_no" = i."id_no"
LEFT JOIN "bh_present_4f9edc4d3ed0" p ON p."region" = i."region" AND p."id_no" = i."id_no";

-- effects.count_range
SELECT count(*)
FROM "population"
WHERE (("region" > TO_NUMBER(:v)) OR ("region" = TO_NUMBER(:v) AND "id_no" > CAST(:v AS CHAR(18 CHAR)))) AND (("region" < TO_NUMBER(:v)) OR ("region" = TO_NUMBER(:v) AND "id_no" <= CAST(:v AS CHAR(18 CHAR))));
-- values: '1', '1', 'a', '2', '2', 'b'

-- effects.delete_others
DELETE FROM "population" t
WHERE ((t."region" > TO_NUMBER(:v)) OR (t."region" = TO_NUMBER(:v) AND t."id_no" > CAST(:v AS CHAR(18 CHAR)))) AND ((t."region" < TO_NUMBER(:v)) OR (t."region" = TO_NUMBER(:v) AND t."id_no" <= CAST(:v AS CHAR(18 CHAR)))) AND NOT EXISTS (SELECT 1 FROM "bh_incoming_4f9edc4d3ed0" i WHERE t."region" = i."region" AND t."id_no" = i."id_no");
-- values: '1', '1', 'a', '2', '2', 'b'

-- effects.range_lines
SELECT TO_CLOB(coalesce(REGEXP_REPLACE(TO_CHAR("region", 'TM9'), '^(-{0,1})[.]', '\10.'), '\N')) || '<TAB>' || coalesce(replace(replace(RTRIM("id_no"), '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(replace(replace("姓名", '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(REGEXP_REPLACE(TO_CHAR("100%", 'TM9'), '^(-{0,1})[.]', '\10.'), '\N') || '<TAB>' || CASE WHEN "ratio" IS NULL THEN '\N' ELSE '\F' || CASE WHEN "ratio" IS NAN OR "ratio" IS INFINITE THEN TO_CHAR("ratio") ELSE TO_CHAR("ratio", 'FM9.9999999999999999EEEE') END END || '<TAB>' || coalesce(replace(replace("alive", '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(REPLACE(LTRIM(TO_CHAR("born", 'SYYYY-MM-DD HH24:MI:SS')), ' 00:00:00'), '\N') || '<TAB>' || CASE WHEN "photo" IS NULL THEN TO_CLOB('\N') ELSE REPLACE(REPLACE("photo", '\', '\\'), '<TAB>', '\t') END || '<TAB>' || coalesce(replace(replace("tag", '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || CASE WHEN "more" IS NULL THEN TO_CLOB('\N') ELSE REPLACE(REPLACE("more", '\', '\\'), '<TAB>', '\t') END || '<TAB>' || coalesce(LTRIM(RTRIM(RTRIM(TO_CHAR("seen" AT TIME ZONE 'UTC', 'SYYYY-MM-DD HH24:MI:SS.FF9'), '0'), '.')) || '+00', '\N') AS line
FROM "population"
WHERE (("region" > TO_NUMBER(:v)) OR ("region" = TO_NUMBER(:v) AND "id_no" > CAST(:v AS CHAR(18 CHAR)))) AND (("region" < TO_NUMBER(:v)) OR ("region" = TO_NUMBER(:v) AND "id_no" <= CAST(:v AS CHAR(18 CHAR))));
-- values: '1', '1', 'a', '2', '2', 'b'

-- effects.keyed_lines
SELECT REGEXP_REPLACE(TO_CHAR("region", 'TM9'), '^(-{0,1})[.]', '\10.') AS "bh_0", RTRIM("id_no") AS "bh_1", TO_CLOB(coalesce(REGEXP_REPLACE(TO_CHAR("region", 'TM9'), '^(-{0,1})[.]', '\10.'), '\N')) || '<TAB>' || coalesce(replace(replace(RTRIM("id_no"), '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(replace(replace("姓名", '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(REGEXP_REPLACE(TO_CHAR("100%", 'TM9'), '^(-{0,1})[.]', '\10.'), '\N') || '<TAB>' || CASE WHEN "ratio" IS NULL THEN '\N' ELSE '\F' || CASE WHEN "ratio" IS NAN OR "ratio" IS INFINITE THEN TO_CHAR("ratio") ELSE TO_CHAR("ratio", 'FM9.9999999999999999EEEE') END END || '<TAB>' || coalesce(replace(replace("alive", '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(REPLACE(LTRIM(TO_CHAR("born", 'SYYYY-MM-DD HH24:MI:SS')), ' 00:00:00'), '\N') || '<TAB>' || CASE WHEN "photo" IS NULL THEN TO_CLOB('\N') ELSE REPLACE(REPLACE("photo", '\', '\\'), '<TAB>', '\t') END || '<TAB>' || coalesce(replace(replace("tag", '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || CASE WHEN "more" IS NULL THEN TO_CLOB('\N') ELSE REPLACE(REPLACE("more", '\', '\\'), '<TAB>', '\t') END || '<TAB>' || coalesce(LTRIM(RTRIM(RTRIM(TO_CHAR("seen" AT TIME ZONE 'UTC', 'SYYYY-MM-DD HH24:MI:SS.FF9'), '0'), '.')) || '+00', '\N') AS line
FROM "population"
WHERE (("region" > TO_NUMBER(:v)) OR ("region" = TO_NUMBER(:v) AND "id_no" > CAST(:v AS CHAR(18 CHAR)))) AND (("region" < TO_NUMBER(:v)) OR ("region" = TO_NUMBER(:v) AND "id_no" <= CAST(:v AS CHAR(18 CHAR))));
-- values: '1', '1', 'a', '2', '2', 'b'

-- effects.key_at
SELECT REGEXP_REPLACE(TO_CHAR(k."region", 'TM9'), '^(-{0,1})[.]', '\10.'), RTRIM(k."id_no")
FROM "population" k
WHERE ((k."region" > TO_NUMBER(:v)) OR (k."region" = TO_NUMBER(:v) AND k."id_no" > CAST(:v AS CHAR(18 CHAR)))) AND ((k."region" < TO_NUMBER(:v)) OR (k."region" = TO_NUMBER(:v) AND k."id_no" <= CAST(:v AS CHAR(18 CHAR))))
ORDER BY k."region", k."id_no"
OFFSET 1000 ROWS FETCH NEXT 1 ROWS ONLY;
-- values: '1', '1', 'a', '2', '2', 'b'

-- selection.select
SELECT REGEXP_REPLACE(TO_CHAR("region", 'TM9'), '^(-{0,1})[.]', '\10.') AS bh_0, RTRIM("id_no") AS bh_1, "姓名" AS bh_2, REGEXP_REPLACE(TO_CHAR("100%", 'TM9'), '^(-{0,1})[.]', '\10.') AS bh_3, CASE WHEN "ratio" IS NAN OR "ratio" IS INFINITE THEN TO_CHAR("ratio") ELSE TO_CHAR("ratio", 'FM9.9999999999999999EEEE') END AS bh_4, "alive" AS bh_5, REPLACE(LTRIM(TO_CHAR("born", 'SYYYY-MM-DD HH24:MI:SS')), ' 00:00:00') AS bh_6, "photo" AS bh_7, "tag" AS bh_8, "more" AS bh_9, LTRIM(RTRIM(RTRIM(TO_CHAR("seen" AT TIME ZONE 'UTC', 'SYYYY-MM-DD HH24:MI:SS.FF9'), '0'), '.')) || '+00' AS bh_10
FROM "population"
WHERE (("region" > TO_NUMBER(:v)) OR ("region" = TO_NUMBER(:v) AND "id_no" > CAST(:v AS CHAR(18 CHAR)))) AND (("region" < TO_NUMBER(:v)) OR ("region" = TO_NUMBER(:v) AND "id_no" <= CAST(:v AS CHAR(18 CHAR)))) AND (("region" = TO_NUMBER(:v) AND "id_no" = CAST(:v AS CHAR(18 CHAR)))) AND 1 = 1 AND "alive" IS NOT NULL
ORDER BY "region", "id_no";
-- values: '1', '1', 'a', '2', '2', 'b', '1', 'a'

-- dialect.by_chance
-- nothing;

-- dialect.analyze
-- nothing;
