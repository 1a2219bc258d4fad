-- changes.create
CREATE TABLE `population` (`region` INT4 NOT NULL, `id_no` VARCHAR(18) NOT NULL, `姓名` VARCHAR(50), `100%` DECIMAL_TEXT(5,2), `ratio` DOUBLE, `alive` BOOLEAN, `born` DATE, `photo` BLOB, `tag` UUID, `more` JSON_TEXT, `seen` TIMESTAMPTZ(3), `bh_cursor` TIMESTAMP(6), `bh_epoch` BIGINT NOT NULL, `bh_seq` BIGINT NOT NULL, CONSTRAINT `bh_key_population` PRIMARY KEY (`region`, `id_no`));
CREATE TABLE `population_bh` (`bh_epoch` BIGINT NOT NULL, `bh_seq` BIGINT NOT NULL, `bh_op` CHAR(1) NOT NULL, `region` INT4, `id_no` VARCHAR(18), `姓名` VARCHAR(50), `100%` DECIMAL_TEXT(5,2), `ratio` DOUBLE, `alive` BOOLEAN, `born` DATE, `photo` BLOB, `tag` UUID, `more` JSON_TEXT, `seen` TIMESTAMPTZ(3));
CREATE INDEX `bh_seq_population_bh` ON `population_bh` (`bh_epoch`, `bh_seq`);

-- changes.drop
DROP TABLE IF EXISTS `population`;
DROP TABLE IF EXISTS `population_bh`;

-- changes.stage
DROP TABLE IF EXISTS temp.`bh_stage`;
CREATE TEMPORARY TABLE `bh_stage` (`region` INT4 NOT NULL, `id_no` VARCHAR(18) NOT NULL, `姓名` VARCHAR(50), `100%` DECIMAL_TEXT(5,2), `ratio` DOUBLE, `alive` BOOLEAN, `born` DATE, `photo` BLOB, `tag` UUID, `more` JSON_TEXT, `seen` TIMESTAMPTZ(3), `bh_cursor` TIMESTAMP(6), PRIMARY KEY (`region`, `id_no`));
DROP TABLE IF EXISTS temp.`bh_gone`;
CREATE TEMPORARY TABLE `bh_gone` (`region` INT4 NOT NULL, `id_no` VARCHAR(18) NOT NULL, `bh_cursor` TIMESTAMP(6), PRIMARY KEY (`region`, `id_no`));
DROP TABLE IF EXISTS temp.`bh_late`;
CREATE TEMPORARY TABLE `bh_late` (`region` INT4 NOT NULL, `id_no` VARCHAR(18) NOT NULL, `bh_cursor` TIMESTAMP(6), PRIMARY KEY (`region`, `id_no`));

-- changes.see
DROP TABLE IF EXISTS temp.`bh_seen`;
CREATE TEMPORARY TABLE `bh_seen` (`region` INT4 NOT NULL, `id_no` VARCHAR(18) NOT NULL, `bh_cursor` TIMESTAMP(6), PRIMARY KEY (`region`, `id_no`));

-- changes.classify
INSERT INTO `population_bh` (`bh_epoch`, `bh_seq`, `bh_op`, `region`, `id_no`, `姓名`, `100%`, `ratio`, `alive`, `born`, `photo`, `tag`, `more`, `seen`)
SELECT ?, ?, CASE WHEN c.`region` IS NULL THEN 'I' ELSE 'U' END, s.`region`, s.`id_no`, s.`姓名`, s.`100%`, s.`ratio`, s.`alive`, s.`born`, s.`photo`, s.`tag`, s.`more`, s.`seen`
FROM `bh_stage` s
LEFT JOIN `population` c ON c.`region` = s.`region` AND c.`id_no` = s.`id_no`
WHERE c.`region` IS NULL OR s.`姓名` IS NOT c.`姓名` OR s.`100%` IS NOT c.`100%` OR s.`ratio` IS NOT c.`ratio` OR s.`alive` IS NOT c.`alive` OR s.`born` IS NOT c.`born` OR s.`photo` IS NOT c.`photo` OR s.`tag` IS NOT c.`tag` OR s.`more` IS NOT c.`more` OR s.`seen` IS NOT c.`seen`;
-- values: 1, 7
INSERT INTO `population_bh` (`bh_epoch`, `bh_seq`, `bh_op`, `region`, `id_no`)
SELECT ?, ?, 'D', g.`region`, g.`id_no`
FROM `bh_gone` g
JOIN `population` c ON c.`region` = g.`region` AND c.`id_no` = g.`id_no`;
-- values: 1, 7

-- changes.count_changes
SELECT `bh_op`, count(*)
FROM `population_bh`
WHERE `bh_epoch` = ? AND `bh_seq` = ?
GROUP BY `bh_op`;
-- values: 1, 7

-- changes.apply
DELETE FROM `population` AS c
WHERE (c.`region`, c.`id_no`) IN (SELECT h.`region`, h.`id_no` FROM `population_bh` h WHERE h.`bh_epoch` = ? AND h.`bh_seq` = ? AND h.`bh_op` <> 'I');
-- values: 1, 7
INSERT INTO `population` (`region`, `id_no`, `姓名`, `100%`, `ratio`, `alive`, `born`, `photo`, `tag`, `more`, `seen`, `bh_cursor`, `bh_epoch`, `bh_seq`)
SELECT s.`region`, s.`id_no`, s.`姓名`, s.`100%`, s.`ratio`, s.`alive`, s.`born`, s.`photo`, s.`tag`, s.`more`, s.`seen`, s.`bh_cursor`, ?, ?
FROM `bh_stage` s
JOIN `population_bh` h ON h.`bh_epoch` = ? AND h.`bh_seq` = ? AND h.`region` = s.`region` AND h.`id_no` = s.`id_no`;
-- values: 1, 7, 1, 7
UPDATE `population` AS c
SET `bh_cursor` = s.`bh_cursor`
FROM `bh_stage` s
WHERE c.`region` = s.`region` AND c.`id_no` = s.`id_no` AND c.`bh_cursor` IS NOT s.`bh_cursor`;

-- changes.refresh_cursor
UPDATE `population` AS c
SET `bh_cursor` = s.`bh_cursor`
FROM `bh_stage` s
WHERE c.`region` = s.`region` AND c.`id_no` = s.`id_no` AND c.`bh_cursor` IS NOT s.`bh_cursor`;

-- changes.sealed_lines
SELECT CASE WHEN `bh_op` = 'D' THEN coalesce(CAST(`region` AS TEXT), '\N') || '<TAB>' || coalesce(replace(replace(CASE WHEN typeof(`id_no`) = 'real' THEN bh_float(`id_no`) ELSE CAST(`id_no` AS TEXT) END, '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>\D' ELSE coalesce(CAST(`region` AS TEXT), '\N') || '<TAB>' || coalesce(replace(replace(CASE WHEN typeof(`id_no`) = 'real' THEN bh_float(`id_no`) ELSE CAST(`id_no` AS TEXT) END, '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(replace(replace(CASE WHEN typeof(`姓名`) = 'real' THEN bh_float(`姓名`) ELSE CAST(`姓名` AS TEXT) END, '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(CASE typeof(`100%`) WHEN 'real' THEN bh_decimal(`100%`) WHEN 'text' THEN CAST(bh_decimal(CAST(`100%` AS BLOB)) AS TEXT) ELSE CAST(`100%` AS TEXT) END, '\N') || '<TAB>' || coalesce(CASE WHEN typeof(`ratio`) IN ('real', 'integer') THEN bh_float(`ratio`) ELSE CAST(`ratio` AS TEXT) END, '\N') || '<TAB>' || coalesce(CASE lower(`alive`) WHEN '1' THEN 'true' WHEN '0' THEN 'false' ELSE lower(`alive`) END, '\N') || '<TAB>' || coalesce(CAST(bh_date(CAST(`born` AS BLOB)) AS TEXT), '\N') || '<TAB>' || coalesce(CASE WHEN `photo` IS NOT NULL THEN lower(hex(`photo`)) END, '\N') || '<TAB>' || coalesce(CAST(bh_uuid(CAST(`tag` AS BLOB), typeof(`tag`) = 'blob') AS TEXT), '\N') || '<TAB>' || coalesce(replace(replace(CASE WHEN typeof(`more`) = 'real' THEN bh_float(`more`) ELSE CAST(`more` AS TEXT) END, '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(CAST(bh_stamp(CAST(`seen` AS BLOB), 1) AS TEXT), '\N') END AS line
FROM `population_bh`
WHERE `bh_epoch` = ? AND `bh_seq` = ?;
-- values: 1, 7

-- changes.image_lines
SELECT coalesce(CAST(`region` AS TEXT), '\N') || '<TAB>' || coalesce(replace(replace(CASE WHEN typeof(`id_no`) = 'real' THEN bh_float(`id_no`) ELSE CAST(`id_no` AS TEXT) END, '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(replace(replace(CASE WHEN typeof(`姓名`) = 'real' THEN bh_float(`姓名`) ELSE CAST(`姓名` AS TEXT) END, '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(CASE typeof(`100%`) WHEN 'real' THEN bh_decimal(`100%`) WHEN 'text' THEN CAST(bh_decimal(CAST(`100%` AS BLOB)) AS TEXT) ELSE CAST(`100%` AS TEXT) END, '\N') || '<TAB>' || coalesce(CASE WHEN typeof(`ratio`) IN ('real', 'integer') THEN bh_float(`ratio`) ELSE CAST(`ratio` AS TEXT) END, '\N') || '<TAB>' || coalesce(CASE lower(`alive`) WHEN '1' THEN 'true' WHEN '0' THEN 'false' ELSE lower(`alive`) END, '\N') || '<TAB>' || coalesce(CAST(bh_date(CAST(`born` AS BLOB)) AS TEXT), '\N') || '<TAB>' || coalesce(CASE WHEN `photo` IS NOT NULL THEN lower(hex(`photo`)) END, '\N') || '<TAB>' || coalesce(CAST(bh_uuid(CAST(`tag` AS BLOB), typeof(`tag`) = 'blob') AS TEXT), '\N') || '<TAB>' || coalesce(replace(replace(CASE WHEN typeof(`more`) = 'real' THEN bh_float(`more`) ELSE CAST(`more` AS TEXT) END, '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(CAST(bh_stamp(CAST(`seen` AS BLOB), 1) AS TEXT), '\N') AS line
FROM `population`
WHERE (`region`, `id_no`) > (?, ?) AND (`region`, `id_no`) <= (?, ?);
-- values: '1', 'a', '2', 'b'

-- changes.keyed_lines
SELECT CAST(`region` AS TEXT) AS `bh_0`, CASE WHEN typeof(`id_no`) = 'real' THEN bh_float(`id_no`) ELSE CAST(`id_no` AS TEXT) END AS `bh_1`, coalesce(CAST(`region` AS TEXT), '\N') || '<TAB>' || coalesce(replace(replace(CASE WHEN typeof(`id_no`) = 'real' THEN bh_float(`id_no`) ELSE CAST(`id_no` AS TEXT) END, '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(replace(replace(CASE WHEN typeof(`姓名`) = 'real' THEN bh_float(`姓名`) ELSE CAST(`姓名` AS TEXT) END, '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(CASE typeof(`100%`) WHEN 'real' THEN bh_decimal(`100%`) WHEN 'text' THEN CAST(bh_decimal(CAST(`100%` AS BLOB)) AS TEXT) ELSE CAST(`100%` AS TEXT) END, '\N') || '<TAB>' || coalesce(CASE WHEN typeof(`ratio`) IN ('real', 'integer') THEN bh_float(`ratio`) ELSE CAST(`ratio` AS TEXT) END, '\N') || '<TAB>' || coalesce(CASE lower(`alive`) WHEN '1' THEN 'true' WHEN '0' THEN 'false' ELSE lower(`alive`) END, '\N') || '<TAB>' || coalesce(CAST(bh_date(CAST(`born` AS BLOB)) AS TEXT), '\N') || '<TAB>' || coalesce(CASE WHEN `photo` IS NOT NULL THEN lower(hex(`photo`)) END, '\N') || '<TAB>' || coalesce(CAST(bh_uuid(CAST(`tag` AS BLOB), typeof(`tag`) = 'blob') AS TEXT), '\N') || '<TAB>' || coalesce(replace(replace(CASE WHEN typeof(`more`) = 'real' THEN bh_float(`more`) ELSE CAST(`more` AS TEXT) END, '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(CAST(bh_stamp(CAST(`seen` AS BLOB), 1) AS TEXT), '\N') AS line
FROM `population`
WHERE (`region`, `id_no`) > (?, ?) AND (`region`, `id_no`) <= (?, ?);
-- values: '1', 'a', '2', 'b'

-- changes.key_at
SELECT CAST(k.`region` AS TEXT), CASE WHEN typeof(k.`id_no`) = 'real' THEN bh_float(k.`id_no`) ELSE CAST(k.`id_no` AS TEXT) END
FROM `population` k
WHERE (k.`region`, k.`id_no`) > (?, ?) AND (k.`region`, k.`id_no`) <= (?, ?)
ORDER BY k.`region`, k.`id_no`
LIMIT 1 OFFSET 1000;
-- values: '1', 'a', '2', 'b'

-- changes.highest_key
SELECT CAST(k.`region` AS TEXT), CASE WHEN typeof(k.`id_no`) = 'real' THEN bh_float(k.`id_no`) ELSE CAST(k.`id_no` AS TEXT) END
FROM `population` k
ORDER BY k.`region` DESC, k.`id_no` DESC
LIMIT 1;

-- changes.settle_differences
DELETE FROM `bh_gone` AS x
WHERE (x.`region`, x.`id_no`) IN (SELECT y.`region`, y.`id_no` FROM `bh_late` y);
DELETE FROM `bh_late` AS x
WHERE (x.`region`, x.`id_no`) IN (SELECT y.`region`, y.`id_no` FROM `bh_stage` y);

-- changes.forget_young
DELETE FROM `bh_late`
WHERE `bh_cursor` >= bh_stamp(CAST(? AS BLOB), 0) AND `bh_cursor` < bh_stamp(CAST(? AS BLOB), 0);
-- values: '2024-01-01 00:00:00', '2024-01-02 00:00:00'

-- changes.late_keys
SELECT CAST(k.`region` AS TEXT), CASE WHEN typeof(k.`id_no`) = 'real' THEN bh_float(k.`id_no`) ELSE CAST(k.`id_no` AS TEXT) END
FROM `bh_late` k
ORDER BY k.`region`, k.`id_no`
LIMIT 1000;

-- changes.forget
DELETE FROM `bh_gone`
WHERE (`region`, `id_no`) IN (VALUES (?, ?), (?, ?));
-- values: '1', 'a', '2', 'b'

-- changes.missing_in_stage
INSERT INTO `bh_gone` (`region`, `id_no`)
SELECT c.`region`, c.`id_no`
FROM `population` c
LEFT JOIN `bh_stage` s ON s.`region` = c.`region` AND s.`id_no` = c.`id_no`
WHERE s.`region` IS NULL AND 1 = 1;

-- effects.apply (business)
DELETE FROM `population` AS t
WHERE EXISTS (SELECT 1 FROM `bh_incoming` i WHERE t.`region` = i.`region` AND t.`id_no` = i.`id_no` AND i.`bh_op` = 'D');
UPDATE `population` AS t
SET `姓名` = i.`姓名`, `100%` = i.`100%`, `ratio` = i.`ratio`, `alive` = i.`alive`, `born` = i.`born`, `photo` = i.`photo`, `tag` = i.`tag`, `more` = i.`more`, `seen` = i.`seen`
FROM `bh_incoming` i
WHERE t.`region` = i.`region` AND t.`id_no` = i.`id_no` AND i.`bh_op` <> 'D';
INSERT INTO `population` (`region`, `id_no`, `姓名`, `100%`, `ratio`, `alive`, `born`, `photo`, `tag`, `more`, `seen`)
SELECT i.`region`, i.`id_no`, i.`姓名`, i.`100%`, i.`ratio`, i.`alive`, i.`born`, i.`photo`, i.`tag`, i.`more`, i.`seen`
FROM `bh_incoming` i
WHERE i.`bh_op` <> 'D' AND NOT EXISTS (SELECT 1 FROM `population` t WHERE t.`region` = i.`region` AND t.`id_no` = i.`id_no`);

-- effects.apply (owned)
DELETE FROM `population` AS t
WHERE EXISTS (SELECT 1 FROM `bh_incoming` i WHERE t.`region` = i.`region` AND t.`id_no` = i.`id_no`);
INSERT INTO `population` (`region`, `id_no`, `姓名`, `100%`, `ratio`, `alive`, `born`, `photo`, `tag`, `more`, `seen`)
SELECT i.`region`, i.`id_no`, i.`姓名`, i.`100%`, i.`ratio`, i.`alive`, i.`born`, i.`photo`, i.`tag`, i.`more`, i.`seen`
FROM `bh_incoming` i
WHERE i.`bh_op` <> 'D';

-- effects.insert_staged
INSERT INTO `population` (`region`, `id_no`, `姓名`, `100%`, `ratio`, `alive`, `born`, `photo`, `tag`, `more`, `seen`)
SELECT i.`region`, i.`id_no`, i.`姓名`, i.`100%`, i.`ratio`, i.`alive`, i.`born`, i.`photo`, i.`tag`, i.`more`, i.`seen`
FROM `bh_incoming` i
WHERE i.`bh_op` <> 'D';

-- effects.create
CREATE TABLE `population` (`region` INT4 NOT NULL, `id_no` VARCHAR(18) NOT NULL, `姓名` VARCHAR(50), `100%` DECIMAL_TEXT(5,2), `ratio` DOUBLE, `alive` BOOLEAN, `born` DATE, `photo` BLOB, `tag` UUID, `more` JSON_TEXT, `seen` TIMESTAMPTZ(3), PRIMARY KEY (`region`, `id_no`));

-- effects.add_columns
ALTER TABLE `population` ADD COLUMN `more` JSON_TEXT;
ALTER TABLE `population` ADD COLUMN `seen` TIMESTAMPTZ(3);

-- effects.empty_columns
UPDATE `population` SET `born` = NULL, `姓名` = NULL;

-- effects.prepare
-- nothing;

-- effects.stage
DROP TABLE IF EXISTS temp.`bh_incoming`;
CREATE TEMPORARY TABLE `bh_incoming` (`bh_op` VARCHAR(1), `region` INT4 NOT NULL, `id_no` VARCHAR(18) NOT NULL, `姓名` VARCHAR(50), `100%` DECIMAL_TEXT(5,2), `ratio` DOUBLE, `alive` BOOLEAN, `born` DATE, `photo` BLOB, `tag` UUID, `more` JSON_TEXT, `seen` TIMESTAMPTZ(3), PRIMARY KEY (`region`, `id_no`));
DROP TABLE IF EXISTS temp.`bh_present`;
CREATE TEMPORARY TABLE `bh_present` (`region` INT4 NOT NULL, `id_no` VARCHAR(18) NOT NULL, PRIMARY KEY (`region`, `id_no`));

-- effects.clear
-- nothing;

-- effects.note_present
INSERT INTO `bh_present` (`region`, `id_no`)
SELECT t.`region`, t.`id_no`
FROM `population` t
JOIN `bh_incoming` i ON t.`region` = i.`region` AND t.`id_no` = i.`id_no`;

-- effects.lines
SELECT i.`bh_op`, CASE WHEN p.`region` IS NULL THEN 0 ELSE 1 END AS `bh_before`, CASE WHEN t.`region` IS NULL THEN 0 ELSE 1 END AS `bh_after`,
CASE WHEN t.`region` IS NULL THEN coalesce(CAST(i.`region` AS TEXT), '\N') || '<TAB>' || coalesce(replace(replace(CASE WHEN typeof(i.`id_no`) = 'real' THEN bh_float(i.`id_no`) ELSE CAST(i.`id_no` AS TEXT) END, '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>\D' ELSE coalesce(CAST(t.`region` AS TEXT), '\N') || '<TAB>' || coalesce(replace(replace(CASE WHEN typeof(t.`id_no`) = 'real' THEN bh_float(t.`id_no`) ELSE CAST(t.`id_no` AS TEXT) END, '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(replace(replace(CASE WHEN typeof(t.`姓名`) = 'real' THEN bh_float(t.`姓名`) ELSE CAST(t.`姓名` AS TEXT) END, '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(CASE typeof(t.`100%`) WHEN 'real' THEN bh_decimal(t.`100%`) WHEN 'text' THEN CAST(bh_decimal(CAST(t.`100%` AS BLOB)) AS TEXT) ELSE CAST(t.`100%` AS TEXT) END, '\N') || '<TAB>' || coalesce(CASE WHEN typeof(t.`ratio`) IN ('real', 'integer') THEN bh_float(t.`ratio`) ELSE CAST(t.`ratio` AS TEXT) END, '\N') || '<TAB>' || coalesce(CASE lower(t.`alive`) WHEN '1' THEN 'true' WHEN '0' THEN 'false' ELSE lower(t.`alive`) END, '\N') || '<TAB>' || coalesce(CAST(bh_date(CAST(t.`born` AS BLOB)) AS TEXT), '\N') || '<TAB>' || coalesce(CASE WHEN t.`photo` IS NOT NULL THEN lower(hex(t.`photo`)) END, '\N') || '<TAB>' || coalesce(CAST(bh_uuid(CAST(t.`tag` AS BLOB), typeof(t.`tag`) = 'blob') AS TEXT), '\N') || '<TAB>' || coalesce(replace(replace(CASE WHEN typeof(t.`more`) = 'real' THEN bh_float(t.`more`) ELSE CAST(t.`more` AS TEXT) END, '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(CAST(bh_stamp(CAST(t.`seen` AS BLOB), 1) AS TEXT), '\N') END AS line
FROM `bh_incoming` i
LEFT JOIN `bh_present` p ON p.`region` = i.`region` AND p.`id_no` = i.`id_no`
LEFT JOIN `population` t ON t.`region` = i.`region` AND t.`id_no` = i.`id_no`;

-- effects.lines, digested
SELECT `bh_op`, `bh_before`, `bh_after`, n, substr(sums, 1, 20), substr(sums, 21)
FROM (SELECT `bh_op`, `bh_before`, `bh_after`, count(*) AS n, bh_lanes(CAST(line AS BLOB)) AS sums
FROM (SELECT i.`bh_op`, CASE WHEN p.`region` IS NULL THEN 0 ELSE 1 END AS `bh_before`, CASE WHEN t.`region` IS NULL THEN 0 ELSE 1 END AS `bh_after`,
CASE WHEN t.`region` IS NULL THEN coalesce(CAST(i.`region` AS TEXT), '\N') || '<TAB>' || coalesce(replace(replace(CASE WHEN typeof(i.`id_no`) = 'real' THEN bh_float(i.`id_no`) ELSE CAST(i.`id_no` AS TEXT) END, '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>\D' ELSE coalesce(CAST(t.`region` AS TEXT), '\N') || '<TAB>' || coalesce(replace(replace(CASE WHEN typeof(t.`id_no`) = 'real' THEN bh_float(t.`id_no`) ELSE CAST(t.`id_no` AS TEXT) END, '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(replace(replace(CASE WHEN typeof(t.`姓名`) = 'real' THEN bh_float(t.`姓名`) ELSE CAST(t.`姓名` AS TEXT) END, '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(CASE typeof(t.`100%`) WHEN 'real' THEN bh_decimal(t.`100%`) WHEN 'text' THEN CAST(bh_decimal(CAST(t.`100%` AS BLOB)) AS TEXT) ELSE CAST(t.`100%` AS TEXT) END, '\N') || '<TAB>' || coalesce(CASE WHEN typeof(t.`ratio`) IN ('real', 'integer') THEN bh_float(t.`ratio`) ELSE CAST(t.`ratio` AS TEXT) END, '\N') || '<TAB>' || coalesce(CASE lower(t.`alive`) WHEN '1' THEN 'true' WHEN '0' THEN 'false' ELSE lower(t.`alive`) END, '\N') || '<TAB>' || coalesce(CAST(bh_date(CAST(t.`born` AS BLOB)) AS TEXT), '\N') || '<TAB>' || coalesce(CASE WHEN t.`photo` IS NOT NULL THEN lower(hex(t.`photo`)) END, '\N') || '<TAB>' || coalesce(CAST(bh_uuid(CAST(t.`tag` AS BLOB), typeof(t.`tag`) = 'blob') AS TEXT), '\N') || '<TAB>' || coalesce(replace(replace(CASE WHEN typeof(t.`more`) = 'real' THEN bh_float(t.`more`) ELSE CAST(t.`more` AS TEXT) END, '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(CAST(bh_stamp(CAST(t.`seen` AS BLOB), 1) AS TEXT), '\N') END AS line
FROM `bh_incoming` i
LEFT JOIN `bh_present` p ON p.`region` = i.`region` AND p.`id_no` = i.`id_no`
LEFT JOIN `population` t ON t.`region` = i.`region` AND t.`id_no` = i.`id_no`) l
GROUP BY `bh_op`, `bh_before`, `bh_after`) d;

-- effects.count_present
SELECT count(*) FROM `bh_present`;

-- effects.count_after
SELECT count(*), count(p.`region`)
FROM `bh_incoming` i
JOIN `population` t ON t.`region` = i.`region` AND t.`id_no` = i.`id_no`
LEFT JOIN `bh_present` p ON p.`region` = i.`region` AND p.`id_no` = i.`id_no`;

-- effects.count_range
SELECT count(*)
FROM `population`
WHERE (`region`, `id_no`) > (?, ?) AND (`region`, `id_no`) <= (?, ?);
-- values: '1', 'a', '2', 'b'

-- effects.delete_others
DELETE FROM `population` AS t
WHERE (t.`region`, t.`id_no`) > (?, ?) AND (t.`region`, t.`id_no`) <= (?, ?) AND NOT EXISTS (SELECT 1 FROM `bh_incoming` i WHERE t.`region` = i.`region` AND t.`id_no` = i.`id_no`);
-- values: '1', 'a', '2', 'b'

-- effects.range_lines
SELECT coalesce(CAST(`region` AS TEXT), '\N') || '<TAB>' || coalesce(replace(replace(CASE WHEN typeof(`id_no`) = 'real' THEN bh_float(`id_no`) ELSE CAST(`id_no` AS TEXT) END, '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(replace(replace(CASE WHEN typeof(`姓名`) = 'real' THEN bh_float(`姓名`) ELSE CAST(`姓名` AS TEXT) END, '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(CASE typeof(`100%`) WHEN 'real' THEN bh_decimal(`100%`) WHEN 'text' THEN CAST(bh_decimal(CAST(`100%` AS BLOB)) AS TEXT) ELSE CAST(`100%` AS TEXT) END, '\N') || '<TAB>' || coalesce(CASE WHEN typeof(`ratio`) IN ('real', 'integer') THEN bh_float(`ratio`) ELSE CAST(`ratio` AS TEXT) END, '\N') || '<TAB>' || coalesce(CASE lower(`alive`) WHEN '1' THEN 'true' WHEN '0' THEN 'false' ELSE lower(`alive`) END, '\N') || '<TAB>' || coalesce(CAST(bh_date(CAST(`born` AS BLOB)) AS TEXT), '\N') || '<TAB>' || coalesce(CASE WHEN `photo` IS NOT NULL THEN lower(hex(`photo`)) END, '\N') || '<TAB>' || coalesce(CAST(bh_uuid(CAST(`tag` AS BLOB), typeof(`tag`) = 'blob') AS TEXT), '\N') || '<TAB>' || coalesce(replace(replace(CASE WHEN typeof(`more`) = 'real' THEN bh_float(`more`) ELSE CAST(`more` AS TEXT) END, '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(CAST(bh_stamp(CAST(`seen` AS BLOB), 1) AS TEXT), '\N') AS line
FROM `population`
WHERE (`region`, `id_no`) > (?, ?) AND (`region`, `id_no`) <= (?, ?);
-- values: '1', 'a', '2', 'b'

-- effects.keyed_lines
SELECT CAST(`region` AS TEXT) AS `bh_0`, CASE WHEN typeof(`id_no`) = 'real' THEN bh_float(`id_no`) ELSE CAST(`id_no` AS TEXT) END AS `bh_1`, coalesce(CAST(`region` AS TEXT), '\N') || '<TAB>' || coalesce(replace(replace(CASE WHEN typeof(`id_no`) = 'real' THEN bh_float(`id_no`) ELSE CAST(`id_no` AS TEXT) END, '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(replace(replace(CASE WHEN typeof(`姓名`) = 'real' THEN bh_float(`姓名`) ELSE CAST(`姓名` AS TEXT) END, '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(CASE typeof(`100%`) WHEN 'real' THEN bh_decimal(`100%`) WHEN 'text' THEN CAST(bh_decimal(CAST(`100%` AS BLOB)) AS TEXT) ELSE CAST(`100%` AS TEXT) END, '\N') || '<TAB>' || coalesce(CASE WHEN typeof(`ratio`) IN ('real', 'integer') THEN bh_float(`ratio`) ELSE CAST(`ratio` AS TEXT) END, '\N') || '<TAB>' || coalesce(CASE lower(`alive`) WHEN '1' THEN 'true' WHEN '0' THEN 'false' ELSE lower(`alive`) END, '\N') || '<TAB>' || coalesce(CAST(bh_date(CAST(`born` AS BLOB)) AS TEXT), '\N') || '<TAB>' || coalesce(CASE WHEN `photo` IS NOT NULL THEN lower(hex(`photo`)) END, '\N') || '<TAB>' || coalesce(CAST(bh_uuid(CAST(`tag` AS BLOB), typeof(`tag`) = 'blob') AS TEXT), '\N') || '<TAB>' || coalesce(replace(replace(CASE WHEN typeof(`more`) = 'real' THEN bh_float(`more`) ELSE CAST(`more` AS TEXT) END, '\', '\\'), '<TAB>', '\t'), '\N') || '<TAB>' || coalesce(CAST(bh_stamp(CAST(`seen` AS BLOB), 1) AS TEXT), '\N') AS line
FROM `population`
WHERE (`region`, `id_no`) > (?, ?) AND (`region`, `id_no`) <= (?, ?);
-- values: '1', 'a', '2', 'b'

-- effects.key_at
SELECT CAST(k.`region` AS TEXT), CASE WHEN typeof(k.`id_no`) = 'real' THEN bh_float(k.`id_no`) ELSE CAST(k.`id_no` AS TEXT) END
FROM `population` k
WHERE (k.`region`, k.`id_no`) > (?, ?) AND (k.`region`, k.`id_no`) <= (?, ?)
ORDER BY k.`region`, k.`id_no`
LIMIT 1 OFFSET 1000;
-- values: '1', 'a', '2', 'b'

-- selection.select
SELECT CAST(`region` AS TEXT) AS bh_0, CASE WHEN typeof(`id_no`) = 'real' THEN bh_float(`id_no`) ELSE CAST(`id_no` AS TEXT) END AS bh_1, CASE WHEN typeof(`姓名`) = 'real' THEN bh_float(`姓名`) ELSE CAST(`姓名` AS TEXT) END AS bh_2, CASE typeof(`100%`) WHEN 'real' THEN bh_decimal(`100%`) WHEN 'text' THEN CAST(bh_decimal(CAST(`100%` AS BLOB)) AS TEXT) ELSE CAST(`100%` AS TEXT) END AS bh_3, CASE WHEN typeof(`ratio`) IN ('real', 'integer') THEN bh_float(`ratio`) ELSE CAST(`ratio` AS TEXT) END AS bh_4, CASE lower(`alive`) WHEN '1' THEN 'true' WHEN '0' THEN 'false' ELSE lower(`alive`) END AS bh_5, CAST(bh_date(CAST(`born` AS BLOB)) AS TEXT) AS bh_6, CASE WHEN `photo` IS NOT NULL THEN lower(hex(`photo`)) END AS bh_7, CAST(bh_uuid(CAST(`tag` AS BLOB), typeof(`tag`) = 'blob') AS TEXT) AS bh_8, CASE WHEN typeof(`more`) = 'real' THEN bh_float(`more`) ELSE CAST(`more` AS TEXT) END AS bh_9, CAST(bh_stamp(CAST(`seen` AS BLOB), 1) AS TEXT) AS bh_10
FROM `population`
WHERE (`region`, `id_no`) > (?, ?) AND (`region`, `id_no`) <= (?, ?) AND (`region`, `id_no`) IN (VALUES (?, ?)) AND 1 = 1 AND `alive` IS NOT NULL
ORDER BY `region`, `id_no`;
-- values: '1', 'a', '2', 'b', '1', 'a'

-- dialect.by_chance
(random() & 9223372036854775807) < 138350580552821632;

-- dialect.analyze
-- nothing;
