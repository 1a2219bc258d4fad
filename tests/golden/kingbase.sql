-- changes.create
CREATE TABLE "exchange"."population" ("region" integer, "id_no" character(18) COLLATE "C", "姓名" varchar(50), "100%%" numeric(5,2), "ratio" double precision, "alive" boolean, "born" date, "photo" bytea, "tag" uuid, "more" json, "seen" timestamp(3) with time zone, "bh_cursor" timestamp(6), "bh_epoch" bigint NOT NULL, "bh_seq" bigint NOT NULL, CONSTRAINT "bh_key_population" PRIMARY KEY ("region", "id_no"));
CREATE TABLE "exchange"."population_bh" ("bh_epoch" bigint NOT NULL, "bh_seq" bigint NOT NULL, "bh_op" CHAR(1) NOT NULL, "region" integer, "id_no" character(18), "姓名" varchar(50), "100%%" numeric(5,2), "ratio" double precision, "alive" boolean, "born" date, "photo" bytea, "tag" uuid, "more" json, "seen" timestamp(3) with time zone);
CREATE INDEX "bh_seq_population_bh" ON "exchange"."population_bh" ("bh_epoch", "bh_seq");

-- changes.drop
DROP TABLE IF EXISTS "exchange"."population";
DROP TABLE IF EXISTS "exchange"."population_bh";

-- changes.stage
CREATE TEMPORARY TABLE "bh_stage" ("region" integer, "id_no" character(18) COLLATE "C", "姓名" varchar(50), "100%%" numeric(5,2), "ratio" double precision, "alive" boolean, "born" date, "photo" bytea, "tag" uuid, "more" json, "seen" timestamp(3) with time zone, "bh_cursor" timestamp(6), PRIMARY KEY ("region", "id_no")) ON COMMIT DROP;
CREATE TEMPORARY TABLE "bh_gone" ("region" integer, "id_no" character(18) COLLATE "C", "bh_cursor" timestamp(6), PRIMARY KEY ("region", "id_no")) ON COMMIT DROP;
CREATE TEMPORARY TABLE "bh_late" ("region" integer, "id_no" character(18) COLLATE "C", "bh_cursor" timestamp(6), PRIMARY KEY ("region", "id_no")) ON COMMIT DROP;

-- changes.see
CREATE TEMPORARY TABLE "bh_seen" ("region" integer, "id_no" character(18) COLLATE "C", "bh_cursor" timestamp(6), PRIMARY KEY ("region", "id_no")) ON COMMIT DROP;

-- changes.classify
INSERT INTO "exchange"."population_bh" ("bh_epoch", "bh_seq", "bh_op", "region", "id_no", "姓名", "100%%", "ratio", "alive", "born", "photo", "tag", "more", "seen")
SELECT %s, %s, CASE WHEN c."region" IS NULL THEN 'I' ELSE 'U' END, s."region", s."id_no", s."姓名", s."100%%", s."ratio", s."alive", s."born", s."photo", s."tag", s."more", s."seen"
FROM "bh_stage" s
LEFT JOIN "exchange"."population" c ON c."region" = s."region" AND c."id_no" = s."id_no"
WHERE c."region" IS NULL OR s."姓名" IS DISTINCT FROM c."姓名" OR s."100%%" IS DISTINCT FROM c."100%%" OR s."ratio" IS DISTINCT FROM c."ratio" OR s."alive" IS DISTINCT FROM c."alive" OR s."born" IS DISTINCT FROM c."born" OR s."photo" IS DISTINCT FROM c."photo" OR s."tag" IS DISTINCT FROM c."tag" OR CAST(s."more" AS text) IS DISTINCT FROM CAST(c."more" AS text) OR s."seen" IS DISTINCT FROM c."seen";
-- values: 1, 7
INSERT INTO "exchange"."population_bh" ("bh_epoch", "bh_seq", "bh_op", "region", "id_no")
SELECT %s, %s, 'D', g."region", g."id_no"
FROM "bh_gone" g
JOIN "exchange"."population" c ON c."region" = g."region" AND c."id_no" = g."id_no";
-- values: 1, 7

-- changes.count_changes
SELECT "bh_op", count(*)
FROM "exchange"."population_bh"
WHERE "bh_epoch" = %s AND "bh_seq" = %s
GROUP BY "bh_op";
-- values: 1, 7

-- changes.apply
DELETE FROM "exchange"."population" AS c
WHERE EXISTS (SELECT 1 FROM "exchange"."population_bh" h WHERE h."bh_epoch" = %s AND h."bh_seq" = %s AND h."bh_op" <> 'I' AND h."region" = c."region" AND h."id_no" = c."id_no");
-- values: 1, 7
INSERT INTO "exchange"."population" ("region", "id_no", "姓名", "100%%", "ratio", "alive", "born", "photo", "tag", "more", "seen", "bh_cursor", "bh_epoch", "bh_seq")
SELECT s."region", s."id_no", s."姓名", s."100%%", s."ratio", s."alive", s."born", s."photo", s."tag", s."more", s."seen", s."bh_cursor", %s, %s
FROM "bh_stage" s
JOIN "exchange"."population_bh" h ON h."bh_epoch" = %s AND h."bh_seq" = %s AND h."region" = s."region" AND h."id_no" = s."id_no";
-- values: 1, 7, 1, 7
UPDATE "exchange"."population" AS c
SET "bh_cursor" = s."bh_cursor"
FROM "bh_stage" s
WHERE c."region" = s."region" AND c."id_no" = s."id_no" AND c."bh_cursor" IS DISTINCT FROM s."bh_cursor";

-- changes.refresh_cursor
UPDATE "exchange"."population" AS c
SET "bh_cursor" = s."bh_cursor"
FROM "bh_stage" s
WHERE c."region" = s."region" AND c."id_no" = s."id_no" AND c."bh_cursor" IS DISTINCT FROM s."bh_cursor";

-- changes.sealed_lines
SELECT CASE WHEN "bh_op" = 'D' THEN concat_ws('<TAB>', coalesce(CAST("region" AS text), '\N'), coalesce(replace(replace(CAST("id_no" AS text), '\', '\\'), '<TAB>', '\t'), '\N')) || '<TAB>\D' ELSE concat_ws('<TAB>', coalesce(CAST("region" AS text), '\N'), coalesce(replace(replace(CAST("id_no" AS text), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(replace(replace(CAST("姓名" AS text), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(CAST(trim_scale(CAST("100%%" AS numeric)) AS text), '\N'), coalesce(CASE WHEN "ratio" = 0 THEN '0' WHEN abs("ratio") BETWEEN 9007199254740992 AND 1e41 THEN (SELECT CASE WHEN abs(round(CAST(split_part(CAST("ratio" AS text), 'e', 1) AS numeric), n)) = 10 THEN concat(trim_scale(round(CAST(split_part(CAST("ratio" AS text), 'e', 1) AS numeric), n) / 10), 'e+', CAST(split_part(CAST("ratio" AS text), 'e', 2) AS integer) + 1) ELSE concat(trim_scale(round(CAST(split_part(CAST("ratio" AS text), 'e', 1) AS numeric), n)), 'e+', CAST(split_part(CAST("ratio" AS text), 'e', 2) AS integer)) END FROM generate_series(0, 16) n WHERE CAST(concat(round(CAST(split_part(CAST("ratio" AS text), 'e', 1) AS numeric), n), 'e', CAST(split_part(CAST("ratio" AS text), 'e', 2) AS integer)) AS double precision) = "ratio" ORDER BY n LIMIT 1) ELSE CAST("ratio" AS text) END, '\N'), coalesce(CAST("alive" AS text), '\N'), coalesce(CAST("born" AS text), '\N'), coalesce(encode("photo", 'hex'), '\N'), coalesce(CAST("tag" AS text), '\N'), coalesce(replace(replace(CAST("more" AS text), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(CAST("seen" AS text), '\N')) END AS line
FROM "exchange"."population_bh"
WHERE "bh_epoch" = %s AND "bh_seq" = %s;
-- values: 1, 7

-- changes.image_lines
SELECT concat_ws('<TAB>', coalesce(CAST("region" AS text), '\N'), coalesce(replace(replace(CAST("id_no" AS text), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(replace(replace(CAST("姓名" AS text), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(CAST(trim_scale(CAST("100%%" AS numeric)) AS text), '\N'), coalesce(CASE WHEN "ratio" = 0 THEN '0' WHEN abs("ratio") BETWEEN 9007199254740992 AND 1e41 THEN (SELECT CASE WHEN abs(round(CAST(split_part(CAST("ratio" AS text), 'e', 1) AS numeric), n)) = 10 THEN concat(trim_scale(round(CAST(split_part(CAST("ratio" AS text), 'e', 1) AS numeric), n) / 10), 'e+', CAST(split_part(CAST("ratio" AS text), 'e', 2) AS integer) + 1) ELSE concat(trim_scale(round(CAST(split_part(CAST("ratio" AS text), 'e', 1) AS numeric), n)), 'e+', CAST(split_part(CAST("ratio" AS text), 'e', 2) AS integer)) END FROM generate_series(0, 16) n WHERE CAST(concat(round(CAST(split_part(CAST("ratio" AS text), 'e', 1) AS numeric), n), 'e', CAST(split_part(CAST("ratio" AS text), 'e', 2) AS integer)) AS double precision) = "ratio" ORDER BY n LIMIT 1) ELSE CAST("ratio" AS text) END, '\N'), coalesce(CAST("alive" AS text), '\N'), coalesce(CAST("born" AS text), '\N'), coalesce(encode("photo", 'hex'), '\N'), coalesce(CAST("tag" AS text), '\N'), coalesce(replace(replace(CAST("more" AS text), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(CAST("seen" AS text), '\N')) AS line
FROM "exchange"."population"
WHERE ("region", "id_no") > (CAST(%s AS integer), CAST(%s AS character(18))) AND ("region", "id_no") <= (CAST(%s AS integer), CAST(%s AS character(18)));
-- values: '1', 'a', '2', 'b'

-- changes.keyed_lines
SELECT CAST("region" AS text) AS "bh_0", CAST("id_no" AS text) AS "bh_1", concat_ws('<TAB>', coalesce(CAST("region" AS text), '\N'), coalesce(replace(replace(CAST("id_no" AS text), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(replace(replace(CAST("姓名" AS text), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(CAST(trim_scale(CAST("100%%" AS numeric)) AS text), '\N'), coalesce(CASE WHEN "ratio" = 0 THEN '0' WHEN abs("ratio") BETWEEN 9007199254740992 AND 1e41 THEN (SELECT CASE WHEN abs(round(CAST(split_part(CAST("ratio" AS text), 'e', 1) AS numeric), n)) = 10 THEN concat(trim_scale(round(CAST(split_part(CAST("ratio" AS text), 'e', 1) AS numeric), n) / 10), 'e+', CAST(split_part(CAST("ratio" AS text), 'e', 2) AS integer) + 1) ELSE concat(trim_scale(round(CAST(split_part(CAST("ratio" AS text), 'e', 1) AS numeric), n)), 'e+', CAST(split_part(CAST("ratio" AS text), 'e', 2) AS integer)) END FROM generate_series(0, 16) n WHERE CAST(concat(round(CAST(split_part(CAST("ratio" AS text), 'e', 1) AS numeric), n), 'e', CAST(split_part(CAST("ratio" AS text), 'e', 2) AS integer)) AS double precision) = "ratio" ORDER BY n LIMIT 1) ELSE CAST("ratio" AS text) END, '\N'), coalesce(CAST("alive" AS text), '\N'), coalesce(CAST("born" AS text), '\N'), coalesce(encode("photo", 'hex'), '\N'), coalesce(CAST("tag" AS text), '\N'), coalesce(replace(replace(CAST("more" AS text), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(CAST("seen" AS text), '\N')) AS line
FROM "exchange"."population"
WHERE ("region", "id_no") > (CAST(%s AS integer), CAST(%s AS character(18))) AND ("region", "id_no") <= (CAST(%s AS integer), CAST(%s AS character(18)));
-- values: '1', 'a', '2', 'b'

-- changes.key_at
SELECT CAST(k."region" AS text), CAST(k."id_no" AS text)
FROM "exchange"."population" k
WHERE (k."region", k."id_no") > (CAST(%s AS integer), CAST(%s AS character(18))) AND (k."region", k."id_no") <= (CAST(%s AS integer), CAST(%s AS character(18)))
ORDER BY k."region", k."id_no"
LIMIT 1 OFFSET 1000;
-- values: '1', 'a', '2', 'b'

-- changes.highest_key
SELECT CAST(k."region" AS text), CAST(k."id_no" AS text)
FROM "exchange"."population" k
ORDER BY k."region" DESC, k."id_no" DESC
LIMIT 1;

-- changes.settle_differences
DELETE FROM "bh_gone" AS x
WHERE EXISTS (SELECT 1 FROM "bh_late" y WHERE y."region" = x."region" AND y."id_no" = x."id_no");
DELETE FROM "bh_late" AS x
WHERE EXISTS (SELECT 1 FROM "bh_stage" y WHERE y."region" = x."region" AND y."id_no" = x."id_no");

-- changes.forget_young
DELETE FROM "bh_late"
WHERE "bh_cursor" >= CAST(%s AS timestamp(6)) AND "bh_cursor" < CAST(%s AS timestamp(6));
-- values: '2024-01-01 00:00:00', '2024-01-02 00:00:00'

-- changes.late_keys
SELECT CAST(k."region" AS text), CAST(k."id_no" AS text)
FROM "bh_late" k
ORDER BY k."region", k."id_no"
LIMIT 1000;

-- changes.forget
DELETE FROM "bh_gone"
WHERE ("region", "id_no") IN (VALUES (CAST(%s AS integer), CAST(%s AS character(18))), (CAST(%s AS integer), CAST(%s AS character(18))));
-- values: '1', 'a', '2', 'b'

-- changes.missing_in_stage
INSERT INTO "bh_gone" ("region", "id_no")
SELECT c."region", c."id_no"
FROM "exchange"."population" c
LEFT JOIN "bh_stage" s ON s."region" = c."region" AND s."id_no" = c."id_no"
WHERE s."region" IS NULL AND 1 = 1;

-- effects.apply (business)
DELETE FROM "population" AS t
WHERE EXISTS (SELECT 1 FROM "bh_incoming" i WHERE t."region" = i."region" AND t."id_no" = i."id_no" AND i."bh_op" = 'D');
UPDATE "population" AS t
SET "姓名" = i."姓名", "100%%" = i."100%%", "ratio" = i."ratio", "alive" = i."alive", "born" = i."born", "photo" = i."photo", "tag" = i."tag", "more" = i."more", "seen" = i."seen"
FROM "bh_incoming" i
WHERE t."region" = i."region" AND t."id_no" = i."id_no" AND i."bh_op" <> 'D';
INSERT INTO "population" ("region", "id_no", "姓名", "100%%", "ratio", "alive", "born", "photo", "tag", "more", "seen")
SELECT i."region", i."id_no", i."姓名", i."100%%", i."ratio", i."alive", i."born", i."photo", i."tag", i."more", i."seen"
FROM "bh_incoming" i
WHERE i."bh_op" <> 'D' AND NOT EXISTS (SELECT 1 FROM "population" t WHERE t."region" = i."region" AND t."id_no" = i."id_no");

-- effects.apply (owned)
DELETE FROM "population" AS t
WHERE EXISTS (SELECT 1 FROM "bh_incoming" i WHERE t."region" = i."region" AND t."id_no" = i."id_no");
INSERT INTO "population" ("region", "id_no", "姓名", "100%%", "ratio", "alive", "born", "photo", "tag", "more", "seen")
SELECT i."region", i."id_no", i."姓名", i."100%%", i."ratio", i."alive", i."born", i."photo", i."tag", i."more", i."seen"
FROM "bh_incoming" i
WHERE i."bh_op" <> 'D';

-- effects.insert_staged
INSERT INTO "population" ("region", "id_no", "姓名", "100%%", "ratio", "alive", "born", "photo", "tag", "more", "seen")
SELECT i."region", i."id_no", i."姓名", i."100%%", i."ratio", i."alive", i."born", i."photo", i."tag", i."more", i."seen"
FROM "bh_incoming" i
WHERE i."bh_op" <> 'D';

-- effects.create
CREATE TABLE "population" ("region" integer, "id_no" character(18) COLLATE "C", "姓名" varchar(50), "100%%" numeric(5,2), "ratio" double precision, "alive" boolean, "born" date, "photo" bytea, "tag" uuid, "more" json, "seen" timestamp(3) with time zone, PRIMARY KEY ("region", "id_no"));
COMMENT ON TABLE "population" IS 'population''s table';
COMMENT ON COLUMN "population"."姓名" IS 'the person''s name';

-- effects.add_columns
ALTER TABLE "population" ADD COLUMN "more" json;
ALTER TABLE "population" ADD COLUMN "seen" timestamp(3) with time zone;

-- effects.empty_columns
UPDATE "population" SET "born" = NULL, "姓名" = NULL;

-- effects.prepare
-- nothing;

-- effects.stage
CREATE TEMPORARY TABLE "bh_incoming" ("bh_op" varchar(1), "region" integer, "id_no" character(18) COLLATE "C", "姓名" varchar(50), "100%%" numeric(5,2), "ratio" double precision, "alive" boolean, "born" date, "photo" bytea, "tag" uuid, "more" json, "seen" timestamp(3) with time zone, PRIMARY KEY ("region", "id_no")) ON COMMIT DROP;
CREATE TEMPORARY TABLE "bh_present" ("region" integer, "id_no" character(18) COLLATE "C", PRIMARY KEY ("region", "id_no")) ON COMMIT DROP;

-- effects.clear
-- nothing;

-- effects.note_present
INSERT INTO "bh_present" ("region", "id_no")
SELECT t."region", t."id_no"
FROM "population" t
JOIN "bh_incoming" i ON t."region" = i."region" AND t."id_no" = i."id_no";

-- effects.lines
SELECT i."bh_op", CASE WHEN p."region" IS NULL THEN 0 ELSE 1 END AS "bh_before", CASE WHEN t."region" IS NULL THEN 0 ELSE 1 END AS "bh_after",
CASE WHEN t."region" IS NULL THEN concat_ws('<TAB>', coalesce(CAST(i."region" AS text), '\N'), coalesce(replace(replace(CAST(i."id_no" AS text), '\', '\\'), '<TAB>', '\t'), '\N')) || '<TAB>\D' ELSE concat_ws('<TAB>', coalesce(CAST(t."region" AS text), '\N'), coalesce(replace(replace(CAST(t."id_no" AS text), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(replace(replace(CAST(t."姓名" AS text), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(CAST(trim_scale(CAST(t."100%%" AS numeric)) AS text), '\N'), coalesce(CASE WHEN t."ratio" = 0 THEN '0' WHEN abs(t."ratio") BETWEEN 9007199254740992 AND 1e41 THEN (SELECT CASE WHEN abs(round(CAST(split_part(CAST(t."ratio" AS text), 'e', 1) AS numeric), n)) = 10 THEN concat(trim_scale(round(CAST(split_part(CAST(t."ratio" AS text), 'e', 1) AS numeric), n) / 10), 'e+', CAST(split_part(CAST(t."ratio" AS text), 'e', 2) AS integer) + 1) ELSE concat(trim_scale(round(CAST(split_part(CAST(t."ratio" AS text), 'e', 1) AS numeric), n)), 'e+', CAST(split_part(CAST(t."ratio" AS text), 'e', 2) AS integer)) END FROM generate_series(0, 16) n WHERE CAST(concat(round(CAST(split_part(CAST(t."ratio" AS text), 'e', 1) AS numeric), n), 'e', CAST(split_part(CAST(t."ratio" AS text), 'e', 2) AS integer)) AS double precision) = t."ratio" ORDER BY n LIMIT 1) ELSE CAST(t."ratio" AS text) END, '\N'), coalesce(CAST(t."alive" AS text), '\N'), coalesce(CAST(t."born" AS text), '\N'), coalesce(encode(t."photo", 'hex'), '\N'), coalesce(CAST(t."tag" AS text), '\N'), coalesce(replace(replace(CAST(t."more" AS text), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(CAST(t."seen" AS text), '\N')) END AS line
FROM "bh_incoming" i
LEFT JOIN "bh_present" p ON p."region" = i."region" AND p."id_no" = i."id_no"
LEFT JOIN "population" t ON t."region" = i."region" AND t."id_no" = i."id_no";

-- effects.lines, digested
SELECT "bh_op", "bh_before", "bh_after", count(*), sum(CAST(CAST('x' || encode(substr(h, 1, 8), 'hex') AS bit(64)) AS bigint)), sum(CAST(CAST('x' || encode(substr(h, 9, 8), 'hex') AS bit(64)) AS bigint))
FROM (SELECT "bh_op", "bh_before", "bh_after", sha256(convert_to(line, 'UTF8')) AS h
FROM (SELECT i."bh_op", CASE WHEN p."region" IS NULL THEN 0 ELSE 1 END AS "bh_before", CASE WHEN t."region" IS NULL THEN 0 ELSE 1 END AS "bh_after",
CASE WHEN t."region" IS NULL THEN concat_ws('<TAB>', coalesce(CAST(i."region" AS text), '\N'), coalesce(replace(replace(CAST(i."id_no" AS text), '\', '\\'), '<TAB>', '\t'), '\N')) || '<TAB>\D' ELSE concat_ws('<TAB>', coalesce(CAST(t."region" AS text), '\N'), coalesce(replace(replace(CAST(t."id_no" AS text), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(replace(replace(CAST(t."姓名" AS text), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(CAST(trim_scale(CAST(t."100%%" AS numeric)) AS text), '\N'), coalesce(CASE WHEN t."ratio" = 0 THEN '0' WHEN abs(t."ratio") BETWEEN 9007199254740992 AND 1e41 THEN (SELECT CASE WHEN abs(round(CAST(split_part(CAST(t."ratio" AS text), 'e', 1) AS numeric), n)) = 10 THEN concat(trim_scale(round(CAST(split_part(CAST(t."ratio" AS text), 'e', 1) AS numeric), n) / 10), 'e+', CAST(split_part(CAST(t."ratio" AS text), 'e', 2) AS integer) + 1) ELSE concat(trim_scale(round(CAST(split_part(CAST(t."ratio" AS text), 'e', 1) AS numeric), n)), 'e+', CAST(split_part(CAST(t."ratio" AS text), 'e', 2) AS integer)) END FROM generate_series(0, 16) n WHERE CAST(concat(round(CAST(split_part(CAST(t."ratio" AS text), 'e', 1) AS numeric), n), 'e', CAST(split_part(CAST(t."ratio" AS text), 'e', 2) AS integer)) AS double precision) = t."ratio" ORDER BY n LIMIT 1) ELSE CAST(t."ratio" AS text) END, '\N'), coalesce(CAST(t."alive" AS text), '\N'), coalesce(CAST(t."born" AS text), '\N'), coalesce(encode(t."photo", 'hex'), '\N'), coalesce(CAST(t."tag" AS text), '\N'), coalesce(replace(replace(CAST(t."more" AS text), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(CAST(t."seen" AS text), '\N')) END AS line
FROM "bh_incoming" i
LEFT JOIN "bh_present" p ON p."region" = i."region" AND p."id_no" = i."id_no"
LEFT JOIN "population" t ON t."region" = i."region" AND t."id_no" = i."id_no") l OFFSET 0) d
GROUP BY "bh_op", "bh_before", "bh_after";

-- effects.count_present
SELECT count(*) FROM "bh_present";

-- effects.count_after
SELECT count(*), count(p."region")
FROM "bh_incoming" i
JOIN "population" t ON t."region" = i."region" AND t."id_no" = i."id_no"
LEFT JOIN "bh_present" p ON p."region" = i."region" AND p."id_no" = i."id_no";

-- effects.count_range
SELECT count(*)
FROM "population"
WHERE ("region", "id_no") > (CAST(%s AS integer), CAST(%s AS character(18))) AND ("region", "id_no") <= (CAST(%s AS integer), CAST(%s AS character(18)));
-- values: '1', 'a', '2', 'b'

-- effects.delete_others
DELETE FROM "population" AS t
WHERE (t."region", t."id_no") > (CAST(%s AS integer), CAST(%s AS character(18))) AND (t."region", t."id_no") <= (CAST(%s AS integer), CAST(%s AS character(18))) AND NOT EXISTS (SELECT 1 FROM "bh_incoming" i WHERE t."region" = i."region" AND t."id_no" = i."id_no");
-- values: '1', 'a', '2', 'b'

-- effects.range_lines
SELECT concat_ws('<TAB>', coalesce(CAST("region" AS text), '\N'), coalesce(replace(replace(CAST("id_no" AS text), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(replace(replace(CAST("姓名" AS text), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(CAST(trim_scale(CAST("100%%" AS numeric)) AS text), '\N'), coalesce(CASE WHEN "ratio" = 0 THEN '0' WHEN abs("ratio") BETWEEN 9007199254740992 AND 1e41 THEN (SELECT CASE WHEN abs(round(CAST(split_part(CAST("ratio" AS text), 'e', 1) AS numeric), n)) = 10 THEN concat(trim_scale(round(CAST(split_part(CAST("ratio" AS text), 'e', 1) AS numeric), n) / 10), 'e+', CAST(split_part(CAST("ratio" AS text), 'e', 2) AS integer) + 1) ELSE concat(trim_scale(round(CAST(split_part(CAST("ratio" AS text), 'e', 1) AS numeric), n)), 'e+', CAST(split_part(CAST("ratio" AS text), 'e', 2) AS integer)) END FROM generate_series(0, 16) n WHERE CAST(concat(round(CAST(split_part(CAST("ratio" AS text), 'e', 1) AS numeric), n), 'e', CAST(split_part(CAST("ratio" AS text), 'e', 2) AS integer)) AS double precision) = "ratio" ORDER BY n LIMIT 1) ELSE CAST("ratio" AS text) END, '\N'), coalesce(CAST("alive" AS text), '\N'), coalesce(CAST("born" AS text), '\N'), coalesce(encode("photo", 'hex'), '\N'), coalesce(CAST("tag" AS text), '\N'), coalesce(replace(replace(CAST("more" AS text), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(CAST("seen" AS text), '\N')) AS line
FROM "population"
WHERE ("region", "id_no") > (CAST(%s AS integer), CAST(%s AS character(18))) AND ("region", "id_no") <= (CAST(%s AS integer), CAST(%s AS character(18)));
-- values: '1', 'a', '2', 'b'

-- effects.keyed_lines
SELECT CAST("region" AS text) AS "bh_0", CAST("id_no" AS text) AS "bh_1", concat_ws('<TAB>', coalesce(CAST("region" AS text), '\N'), coalesce(replace(replace(CAST("id_no" AS text), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(replace(replace(CAST("姓名" AS text), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(CAST(trim_scale(CAST("100%%" AS numeric)) AS text), '\N'), coalesce(CASE WHEN "ratio" = 0 THEN '0' WHEN abs("ratio") BETWEEN 9007199254740992 AND 1e41 THEN (SELECT CASE WHEN abs(round(CAST(split_part(CAST("ratio" AS text), 'e', 1) AS numeric), n)) = 10 THEN concat(trim_scale(round(CAST(split_part(CAST("ratio" AS text), 'e', 1) AS numeric), n) / 10), 'e+', CAST(split_part(CAST("ratio" AS text), 'e', 2) AS integer) + 1) ELSE concat(trim_scale(round(CAST(split_part(CAST("ratio" AS text), 'e', 1) AS numeric), n)), 'e+', CAST(split_part(CAST("ratio" AS text), 'e', 2) AS integer)) END FROM generate_series(0, 16) n WHERE CAST(concat(round(CAST(split_part(CAST("ratio" AS text), 'e', 1) AS numeric), n), 'e', CAST(split_part(CAST("ratio" AS text), 'e', 2) AS integer)) AS double precision) = "ratio" ORDER BY n LIMIT 1) ELSE CAST("ratio" AS text) END, '\N'), coalesce(CAST("alive" AS text), '\N'), coalesce(CAST("born" AS text), '\N'), coalesce(encode("photo", 'hex'), '\N'), coalesce(CAST("tag" AS text), '\N'), coalesce(replace(replace(CAST("more" AS text), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(CAST("seen" AS text), '\N')) AS line
FROM "population"
WHERE ("region", "id_no") > (CAST(%s AS integer), CAST(%s AS character(18))) AND ("region", "id_no") <= (CAST(%s AS integer), CAST(%s AS character(18)));
-- values: '1', 'a', '2', 'b'

-- effects.key_at
SELECT CAST(k."region" AS text), CAST(k."id_no" AS text)
FROM "population" k
WHERE (k."region", k."id_no") > (CAST(%s AS integer), CAST(%s AS character(18))) AND (k."region", k."id_no") <= (CAST(%s AS integer), CAST(%s AS character(18)))
ORDER BY k."region", k."id_no"
LIMIT 1 OFFSET 1000;
-- values: '1', 'a', '2', 'b'

-- returning.advance
WITH touched AS (
INSERT INTO "exchange"."population" AS c ("region", "id_no", "姓名", "100%%", "ratio", "alive", "born", "photo", "tag", "more", "seen", "bh_cursor", "bh_epoch", "bh_seq")
SELECT "region", "id_no", "姓名", "100%%", "ratio", "alive", "born", "photo", "tag", "more", "seen", "bh_cursor", %s, %s
FROM "bh_stage"
ON CONFLICT ("region", "id_no") DO UPDATE SET "姓名" = excluded."姓名", "100%%" = excluded."100%%", "ratio" = excluded."ratio", "alive" = excluded."alive", "born" = excluded."born", "photo" = excluded."photo", "tag" = excluded."tag", "more" = excluded."more", "seen" = excluded."seen", "bh_cursor" = excluded."bh_cursor", "bh_epoch" = excluded."bh_epoch", "bh_seq" = excluded."bh_seq"
WHERE c."姓名" IS DISTINCT FROM excluded."姓名" OR c."100%%" IS DISTINCT FROM excluded."100%%" OR c."ratio" IS DISTINCT FROM excluded."ratio" OR c."alive" IS DISTINCT FROM excluded."alive" OR c."born" IS DISTINCT FROM excluded."born" OR c."photo" IS DISTINCT FROM excluded."photo" OR c."tag" IS DISTINCT FROM excluded."tag" OR CAST(c."more" AS text) IS DISTINCT FROM CAST(excluded."more" AS text) OR c."seen" IS DISTINCT FROM excluded."seen"
RETURNING c."region", c."id_no", c."姓名", c."100%%", c."ratio", c."alive", c."born", c."photo", c."tag", c."more", c."seen", c.xmax = 0 AS bh_new)
INSERT INTO "exchange"."population_bh" ("bh_epoch", "bh_seq", "bh_op", "region", "id_no", "姓名", "100%%", "ratio", "alive", "born", "photo", "tag", "more", "seen")
SELECT %s, %s, CASE WHEN bh_new THEN 'I' ELSE 'U' END, "region", "id_no", "姓名", "100%%", "ratio", "alive", "born", "photo", "tag", "more", "seen"
FROM touched;
-- values: 1, 7, 1, 7
WITH touched AS (
DELETE FROM "exchange"."population" AS c
USING "bh_gone" g
WHERE c."region" = g."region" AND c."id_no" = g."id_no"
RETURNING c."region", c."id_no")
INSERT INTO "exchange"."population_bh" ("bh_epoch", "bh_seq", "bh_op", "region", "id_no")
SELECT %s, %s, 'D', "region", "id_no"
FROM touched;
-- values: 1, 7
UPDATE "exchange"."population" AS c
SET "bh_cursor" = s."bh_cursor"
FROM "bh_stage" s
WHERE c."region" = s."region" AND c."id_no" = s."id_no" AND c."bh_cursor" IS DISTINCT FROM s."bh_cursor";

-- returning.replace_rows
WITH touched AS (
DELETE FROM "population" AS t
USING "bh_incoming" i
WHERE t."region" = i."region" AND t."id_no" = i."id_no"
RETURNING t."region", t."id_no")
INSERT INTO "bh_present" ("region", "id_no")
SELECT "region", "id_no"
FROM touched;
INSERT INTO "population" ("region", "id_no", "姓名", "100%%", "ratio", "alive", "born", "photo", "tag", "more", "seen")
SELECT i."region", i."id_no", i."姓名", i."100%%", i."ratio", i."alive", i."born", i."photo", i."tag", i."more", i."seen"
FROM "bh_incoming" i
WHERE i."bh_op" <> 'D';

-- selection.select
SELECT CAST("region" AS text) AS bh_0, CAST("id_no" AS text) AS bh_1, CAST("姓名" AS text) AS bh_2, CAST(trim_scale(CAST("100%%" AS numeric)) AS text) AS bh_3, CASE WHEN "ratio" = 0 THEN '0' WHEN abs("ratio") BETWEEN 9007199254740992 AND 1e41 THEN (SELECT CASE WHEN abs(round(CAST(split_part(CAST("ratio" AS text), 'e', 1) AS numeric), n)) = 10 THEN concat(trim_scale(round(CAST(split_part(CAST("ratio" AS text), 'e', 1) AS numeric), n) / 10), 'e+', CAST(split_part(CAST("ratio" AS text), 'e', 2) AS integer) + 1) ELSE concat(trim_scale(round(CAST(split_part(CAST("ratio" AS text), 'e', 1) AS numeric), n)), 'e+', CAST(split_part(CAST("ratio" AS text), 'e', 2) AS integer)) END FROM generate_series(0, 16) n WHERE CAST(concat(round(CAST(split_part(CAST("ratio" AS text), 'e', 1) AS numeric), n), 'e', CAST(split_part(CAST("ratio" AS text), 'e', 2) AS integer)) AS double precision) = "ratio" ORDER BY n LIMIT 1) ELSE CAST("ratio" AS text) END AS bh_4, CAST("alive" AS text) AS bh_5, CAST("born" AS text) AS bh_6, encode("photo", 'hex') AS bh_7, CAST("tag" AS text) AS bh_8, CAST("more" AS text) AS bh_9, CAST("seen" AS text) AS bh_10
FROM "population"
WHERE ("region", "id_no") > (CAST(%s AS integer), CAST(%s AS character(18))) AND ("region", "id_no") <= (CAST(%s AS integer), CAST(%s AS character(18))) AND ("region", "id_no") IN (VALUES (CAST(%s AS integer), CAST(%s AS character(18)))) AND 1 = 1 AND "alive" IS NOT NULL
ORDER BY "region", "id_no";
-- values: '1', 'a', '2', 'b', '1', 'a'

-- dialect.by_chance
random() < 0.015000000;

-- dialect.analyze
ANALYZE "bh_stage" ("region", "id_no");
