-- changes.create
CREATE TABLE `exchange`.`population` (`region` INT, `id_no` VARCHAR(18) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `姓名` VARCHAR(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin COMMENT 'the person''s name', `100%%` DECIMAL(5,2), `ratio` DOUBLE, `alive` BIT(1), `born` DATE, `photo` LONGBLOB, `tag` VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `more` JSON, `seen` DATETIME(3) COMMENT '[UTC]', `bh_cursor` DATETIME(6), `bh_epoch` BIGINT NOT NULL, `bh_seq` BIGINT NOT NULL, CONSTRAINT `bh_key_population` PRIMARY KEY (`region`, `id_no`));
CREATE TABLE `exchange`.`population_bh` (`bh_epoch` BIGINT NOT NULL, `bh_seq` BIGINT NOT NULL, `bh_op` CHAR(1) NOT NULL, `region` INT, `id_no` CHAR(18) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `姓名` VARCHAR(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `100%%` DECIMAL(5,2), `ratio` DOUBLE, `alive` BIT(1), `born` DATE, `photo` LONGBLOB, `tag` VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `more` JSON, `seen` DATETIME(3) COMMENT '[UTC]');
CREATE INDEX `bh_seq_population_bh` ON `exchange`.`population_bh` (`bh_epoch`, `bh_seq`);

-- changes.drop
DROP TABLE IF EXISTS `exchange`.`population`;
DROP TABLE IF EXISTS `exchange`.`population_bh`;

-- changes.stage
DROP TEMPORARY TABLE IF EXISTS `bh_stage`;
CREATE TEMPORARY TABLE `bh_stage` (`region` INT, `id_no` VARCHAR(18) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `姓名` VARCHAR(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin COMMENT 'the person''s name', `100%%` DECIMAL(5,2), `ratio` DOUBLE, `alive` BIT(1), `born` DATE, `photo` LONGBLOB, `tag` VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `more` JSON, `seen` DATETIME(3) COMMENT '[UTC]', `bh_cursor` DATETIME(6), PRIMARY KEY (`region`, `id_no`)) ENGINE=InnoDB;
DROP TEMPORARY TABLE IF EXISTS `bh_gone`;
CREATE TEMPORARY TABLE `bh_gone` (`region` INT, `id_no` VARCHAR(18) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `bh_cursor` DATETIME(6), PRIMARY KEY (`region`, `id_no`)) ENGINE=InnoDB;
DROP TEMPORARY TABLE IF EXISTS `bh_late`;
CREATE TEMPORARY TABLE `bh_late` (`region` INT, `id_no` VARCHAR(18) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `bh_cursor` DATETIME(6), PRIMARY KEY (`region`, `id_no`)) ENGINE=InnoDB;

-- changes.see
DROP TEMPORARY TABLE IF EXISTS `bh_seen`;
CREATE TEMPORARY TABLE `bh_seen` (`region` INT, `id_no` VARCHAR(18) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `bh_cursor` DATETIME(6), PRIMARY KEY (`region`, `id_no`)) ENGINE=InnoDB;

-- changes.classify
INSERT INTO `exchange`.`population_bh` (`bh_epoch`, `bh_seq`, `bh_op`, `region`, `id_no`, `姓名`, `100%%`, `ratio`, `alive`, `born`, `photo`, `tag`, `more`, `seen`)
SELECT %s, %s, CASE WHEN c.`region` IS NULL THEN 'I' ELSE 'U' END, s.`region`, s.`id_no`, s.`姓名`, s.`100%%`, s.`ratio`, s.`alive`, s.`born`, s.`photo`, s.`tag`, s.`more`, s.`seen`
FROM `bh_stage` s
LEFT JOIN `exchange`.`population` c ON c.`region` = s.`region` AND c.`id_no` = s.`id_no`
WHERE c.`region` IS NULL OR NOT (s.`姓名` <=> c.`姓名`) OR NOT (s.`100%%` <=> c.`100%%`) OR NOT (s.`ratio` <=> c.`ratio`) OR NOT (s.`alive` <=> c.`alive`) OR NOT (s.`born` <=> c.`born`) OR NOT (s.`photo` <=> c.`photo`) OR NOT (s.`tag` <=> c.`tag`) OR NOT (s.`more` <=> c.`more`) OR NOT (s.`seen` <=> c.`seen`);
-- values: 1, 7
INSERT INTO `exchange`.`population_bh` (`bh_epoch`, `bh_seq`, `bh_op`, `region`, `id_no`)
SELECT %s, %s, 'D', g.`region`, g.`id_no`
FROM `bh_gone` g
JOIN `exchange`.`population` c ON c.`region` = g.`region` AND c.`id_no` = g.`id_no`;
-- values: 1, 7

-- changes.count_changes
SELECT `bh_op`, count(*)
FROM `exchange`.`population_bh`
WHERE `bh_epoch` = %s AND `bh_seq` = %s
GROUP BY `bh_op`;
-- values: 1, 7

-- changes.apply
DELETE c FROM `exchange`.`population` AS c
WHERE EXISTS (SELECT 1 FROM `exchange`.`population_bh` h WHERE h.`bh_epoch` = %s AND h.`bh_seq` = %s AND h.`bh_op` <> 'I' AND h.`region` = c.`region` AND h.`id_no` = c.`id_no`);
-- values: 1, 7
INSERT INTO `exchange`.`population` (`region`, `id_no`, `姓名`, `100%%`, `ratio`, `alive`, `born`, `photo`, `tag`, `more`, `seen`, `bh_cursor`, `bh_epoch`, `bh_seq`)
SELECT s.`region`, s.`id_no`, s.`姓名`, s.`100%%`, s.`ratio`, s.`alive`, s.`born`, s.`photo`, s.`tag`, s.`more`, s.`seen`, s.`bh_cursor`, %s, %s
FROM `bh_stage` s
JOIN `exchange`.`population_bh` h ON h.`bh_epoch` = %s AND h.`bh_seq` = %s AND h.`region` = s.`region` AND h.`id_no` = s.`id_no`;
-- values: 1, 7, 1, 7
UPDATE `exchange`.`population` AS c
JOIN `bh_stage` s ON c.`region` = s.`region` AND c.`id_no` = s.`id_no`
SET c.`bh_cursor` = s.`bh_cursor`
WHERE NOT (c.`bh_cursor` <=> s.`bh_cursor`);

-- changes.refresh_cursor
UPDATE `exchange`.`population` AS c
JOIN `bh_stage` s ON c.`region` = s.`region` AND c.`id_no` = s.`id_no`
SET c.`bh_cursor` = s.`bh_cursor`
WHERE NOT (c.`bh_cursor` <=> s.`bh_cursor`);

-- changes.sealed_lines
SELECT CASE WHEN `bh_op` = 'D' THEN CONCAT_WS('<TAB>', coalesce(CAST(`region` + 0 AS CHAR), '\N'), coalesce(replace(replace(CONVERT(`id_no` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N')) || '<TAB>\D' ELSE CONCAT_WS('<TAB>', coalesce(CAST(`region` + 0 AS CHAR), '\N'), coalesce(replace(replace(CONVERT(`id_no` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(replace(replace(CONVERT(`姓名` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM `100%%`)), '\N'), coalesce(CASE WHEN `ratio` = 0 THEN '0' WHEN ABS(`ratio`) >= 1e-4 AND ABS(`ratio`) < 1e15 THEN CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, CAST(ABS(`ratio`) + 0e0 AS CHAR)) WHEN LOCATE('e-', CAST(ABS(`ratio`) + 0e0 AS CHAR)) THEN CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, CAST(ABS(`ratio`) + 0e0 AS CHAR)) WHEN LOCATE('e', CAST(ABS(`ratio`) + 0e0 AS CHAR)) THEN CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, REPLACE(CAST(ABS(`ratio`) + 0e0 AS CHAR), 'e', 'e+')) WHEN ABS(`ratio`) < 1 THEN CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, LEFT(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(`ratio`) + 0e0 AS CHAR), 3)), 1), CASE WHEN CHAR_LENGTH(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(`ratio`) + 0e0 AS CHAR), 3))) > 1 THEN CONCAT('.', SUBSTR(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(`ratio`) + 0e0 AS CHAR), 3)), 2)) ELSE '' END, 'e-', LPAD(CHAR_LENGTH(CAST(ABS(`ratio`) + 0e0 AS CHAR)) - 1 - CHAR_LENGTH(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(`ratio`) + 0e0 AS CHAR), 3))), 2, '0')) ELSE CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, LEFT(TRIM(TRAILING '0' FROM REPLACE(CAST(ABS(`ratio`) + 0e0 AS CHAR), '.', '')), 1), CASE WHEN CHAR_LENGTH(TRIM(TRAILING '0' FROM REPLACE(CAST(ABS(`ratio`) + 0e0 AS CHAR), '.', ''))) > 1 THEN CONCAT('.', SUBSTR(TRIM(TRAILING '0' FROM REPLACE(CAST(ABS(`ratio`) + 0e0 AS CHAR), '.', '')), 2)) ELSE '' END, 'e+', CHAR_LENGTH(SUBSTRING_INDEX(CAST(ABS(`ratio`) + 0e0 AS CHAR), '.', 1)) - 1) END, '\N'), coalesce(CASE `alive` WHEN 1 THEN 'true' WHEN 0 THEN 'false' END, '\N'), coalesce(CAST(`born` AS CHAR), '\N'), coalesce(LOWER(HEX(`photo`)), '\N'), coalesce(replace(replace(CONVERT(`tag` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(replace(replace(CONVERT(`more` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(CONCAT(TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM CAST(`seen` AS CHAR))), '+00'), '\N')) END AS line
FROM `exchange`.`population_bh`
WHERE `bh_epoch` = %s AND `bh_seq` = %s;
-- values: 1, 7

-- changes.image_lines
SELECT CONCAT_WS('<TAB>', coalesce(CAST(`region` + 0 AS CHAR), '\N'), coalesce(replace(replace(CONVERT(`id_no` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(replace(replace(CONVERT(`姓名` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM `100%%`)), '\N'), coalesce(CASE WHEN `ratio` = 0 THEN '0' WHEN ABS(`ratio`) >= 1e-4 AND ABS(`ratio`) < 1e15 THEN CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, CAST(ABS(`ratio`) + 0e0 AS CHAR)) WHEN LOCATE('e-', CAST(ABS(`ratio`) + 0e0 AS CHAR)) THEN CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, CAST(ABS(`ratio`) + 0e0 AS CHAR)) WHEN LOCATE('e', CAST(ABS(`ratio`) + 0e0 AS CHAR)) THEN CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, REPLACE(CAST(ABS(`ratio`) + 0e0 AS CHAR), 'e', 'e+')) WHEN ABS(`ratio`) < 1 THEN CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, LEFT(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(`ratio`) + 0e0 AS CHAR), 3)), 1), CASE WHEN CHAR_LENGTH(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(`ratio`) + 0e0 AS CHAR), 3))) > 1 THEN CONCAT('.', SUBSTR(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(`ratio`) + 0e0 AS CHAR), 3)), 2)) ELSE '' END, 'e-', LPAD(CHAR_LENGTH(CAST(ABS(`ratio`) + 0e0 AS CHAR)) - 1 - CHAR_LENGTH(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(`ratio`) + 0e0 AS CHAR), 3))), 2, '0')) ELSE CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, LEFT(TRIM(TRAILING '0' FROM REPLACE(CAST(ABS(`ratio`) + 0e0 AS CHAR), '.', '')), 1), CASE WHEN CHAR_LENGTH(TRIM(TRAILING '0' FROM REPLACE(CAST(ABS(`ratio`) + 0e0 AS CHAR), '.', ''))) > 1 THEN CONCAT('.', SUBSTR(TRIM(TRAILING '0' FROM REPLACE(CAST(ABS(`ratio`) + 0e0 AS CHAR), '.', '')), 2)) ELSE '' END, 'e+', CHAR_LENGTH(SUBSTRING_INDEX(CAST(ABS(`ratio`) + 0e0 AS CHAR), '.', 1)) - 1) END, '\N'), coalesce(CASE `alive` WHEN 1 THEN 'true' WHEN 0 THEN 'false' END, '\N'), coalesce(CAST(`born` AS CHAR), '\N'), coalesce(LOWER(HEX(`photo`)), '\N'), coalesce(replace(replace(CONVERT(`tag` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(replace(replace(CONVERT(`more` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(CONCAT(TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM CAST(`seen` AS CHAR))), '+00'), '\N')) AS line
FROM `exchange`.`population`
WHERE (`region` >= CAST(%s AS SIGNED) AND (`region` > CAST(%s AS SIGNED) OR `region` = CAST(%s AS SIGNED) AND `id_no` > %s)) AND (`region` <= CAST(%s AS SIGNED) AND (`region` < CAST(%s AS SIGNED) OR `region` = CAST(%s AS SIGNED) AND `id_no` <= %s));
-- values: '1', '1', '1', 'a', '2', '2', '2', 'b'

-- changes.keyed_lines
SELECT CAST(`region` + 0 AS CHAR) AS `bh_0`, CONVERT(`id_no` USING utf8mb4) AS `bh_1`, CONCAT_WS('<TAB>', coalesce(CAST(`region` + 0 AS CHAR), '\N'), coalesce(replace(replace(CONVERT(`id_no` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(replace(replace(CONVERT(`姓名` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM `100%%`)), '\N'), coalesce(CASE WHEN `ratio` = 0 THEN '0' WHEN ABS(`ratio`) >= 1e-4 AND ABS(`ratio`) < 1e15 THEN CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, CAST(ABS(`ratio`) + 0e0 AS CHAR)) WHEN LOCATE('e-', CAST(ABS(`ratio`) + 0e0 AS CHAR)) THEN CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, CAST(ABS(`ratio`) + 0e0 AS CHAR)) WHEN LOCATE('e', CAST(ABS(`ratio`) + 0e0 AS CHAR)) THEN CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, REPLACE(CAST(ABS(`ratio`) + 0e0 AS CHAR), 'e', 'e+')) WHEN ABS(`ratio`) < 1 THEN CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, LEFT(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(`ratio`) + 0e0 AS CHAR), 3)), 1), CASE WHEN CHAR_LENGTH(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(`ratio`) + 0e0 AS CHAR), 3))) > 1 THEN CONCAT('.', SUBSTR(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(`ratio`) + 0e0 AS CHAR), 3)), 2)) ELSE '' END, 'e-', LPAD(CHAR_LENGTH(CAST(ABS(`ratio`) + 0e0 AS CHAR)) - 1 - CHAR_LENGTH(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(`ratio`) + 0e0 AS CHAR), 3))), 2, '0')) ELSE CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, LEFT(TRIM(TRAILING '0' FROM REPLACE(CAST(ABS(`ratio`) + 0e0 AS CHAR), '.', '')), 1), CASE WHEN CHAR_LENGTH(TRIM(TRAILING '0' FROM REPLACE(CAST(ABS(`ratio`) + 0e0 AS CHAR), '.', ''))) > 1 THEN CONCAT('.', SUBSTR(TRIM(TRAILING '0' FROM REPLACE(CAST(ABS(`ratio`) + 0e0 AS CHAR), '.', '')), 2)) ELSE '' END, 'e+', CHAR_LENGTH(SUBSTRING_INDEX(CAST(ABS(`ratio`) + 0e0 AS CHAR), '.', 1)) - 1) END, '\N'), coalesce(CASE `alive` WHEN 1 THEN 'true' WHEN 0 THEN 'false' END, '\N'), coalesce(CAST(`born` AS CHAR), '\N'), coalesce(LOWER(HEX(`photo`)), '\N'), coalesce(replace(replace(CONVERT(`tag` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(replace(replace(CONVERT(`more` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(CONCAT(TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM CAST(`seen` AS CHAR))), '+00'), '\N')) AS line
FROM `exchange`.`population`
WHERE (`region` >= CAST(%s AS SIGNED) AND (`region` > CAST(%s AS SIGNED) OR `region` = CAST(%s AS SIGNED) AND `id_no` > %s)) AND (`region` <= CAST(%s AS SIGNED) AND (`region` < CAST(%s AS SIGNED) OR `region` = CAST(%s AS SIGNED) AND `id_no` <= %s));
-- values: '1', '1', '1', 'a', '2', '2', '2', 'b'

-- changes.key_at
SELECT CAST(k.`region` + 0 AS CHAR), CONVERT(k.`id_no` USING utf8mb4)
FROM `exchange`.`population` k
WHERE (k.`region` >= CAST(%s AS SIGNED) AND (k.`region` > CAST(%s AS SIGNED) OR k.`region` = CAST(%s AS SIGNED) AND k.`id_no` > %s)) AND (k.`region` <= CAST(%s AS SIGNED) AND (k.`region` < CAST(%s AS SIGNED) OR k.`region` = CAST(%s AS SIGNED) AND k.`id_no` <= %s))
ORDER BY k.`region`, k.`id_no`
LIMIT 1 OFFSET 1000;
-- values: '1', '1', '1', 'a', '2', '2', '2', 'b'

-- changes.highest_key
SELECT CAST(k.`region` + 0 AS CHAR), CONVERT(k.`id_no` USING utf8mb4)
FROM `exchange`.`population` k
ORDER BY k.`region` DESC, k.`id_no` DESC
LIMIT 1;

-- changes.settle_differences
DELETE x FROM `bh_gone` AS x
WHERE EXISTS (SELECT 1 FROM `bh_late` y WHERE y.`region` = x.`region` AND y.`id_no` = x.`id_no`);
DELETE x FROM `bh_late` AS x
WHERE EXISTS (SELECT 1 FROM `bh_stage` y WHERE y.`region` = x.`region` AND y.`id_no` = x.`id_no`);

-- changes.forget_young
DELETE FROM `bh_late`
WHERE `bh_cursor` >= CAST(%s AS DATETIME(6)) AND `bh_cursor` < CAST(%s AS DATETIME(6));
-- values: '2024-01-01 00:00:00', '2024-01-02 00:00:00'

-- changes.late_keys
SELECT CAST(k.`region` + 0 AS CHAR), CONVERT(k.`id_no` USING utf8mb4)
FROM `bh_late` k
ORDER BY k.`region`, k.`id_no`
LIMIT 1000;

-- changes.forget
DELETE FROM `bh_gone`
WHERE ((`region` = CAST(%s AS SIGNED) AND `id_no` = %s) OR (`region` = CAST(%s AS SIGNED) AND `id_no` = %s));
-- values: '1', 'a', '2', 'b'

-- changes.missing_in_stage
INSERT INTO `bh_gone` (`region`, `id_no`)
SELECT c.`region`, c.`id_no`
FROM `exchange`.`population` c
LEFT JOIN `bh_stage` s ON s.`region` = c.`region` AND s.`id_no` = c.`id_no`
WHERE s.`region` IS NULL AND 1 = 1;

-- effects.apply (business)
DELETE t FROM `population` AS t
WHERE EXISTS (SELECT 1 FROM `bh_incoming` i WHERE t.`region` = i.`region` AND t.`id_no` = i.`id_no` AND i.`bh_op` = 'D');
UPDATE `population` AS t
JOIN `bh_incoming` i ON t.`region` = i.`region` AND t.`id_no` = i.`id_no`
SET t.`姓名` = i.`姓名`, t.`100%%` = i.`100%%`, t.`ratio` = i.`ratio`, t.`alive` = i.`alive`, t.`born` = i.`born`, t.`photo` = i.`photo`, t.`tag` = i.`tag`, t.`more` = i.`more`, t.`seen` = i.`seen`
WHERE i.`bh_op` <> 'D';
INSERT INTO `population` (`region`, `id_no`, `姓名`, `100%%`, `ratio`, `alive`, `born`, `photo`, `tag`, `more`, `seen`)
SELECT i.`region`, i.`id_no`, i.`姓名`, i.`100%%`, i.`ratio`, i.`alive`, i.`born`, i.`photo`, i.`tag`, i.`more`, i.`seen`
FROM `bh_incoming` i
WHERE i.`bh_op` <> 'D' AND NOT EXISTS (SELECT 1 FROM `population` t WHERE t.`region` = i.`region` AND t.`id_no` = i.`id_no`);

-- effects.apply (owned)
DELETE t FROM `population` AS t
WHERE EXISTS (SELECT 1 FROM `bh_incoming` i WHERE t.`region` = i.`region` AND t.`id_no` = i.`id_no`);
INSERT INTO `population` (`region`, `id_no`, `姓名`, `100%%`, `ratio`, `alive`, `born`, `photo`, `tag`, `more`, `seen`)
SELECT i.`region`, i.`id_no`, i.`姓名`, i.`100%%`, i.`ratio`, i.`alive`, i.`born`, i.`photo`, i.`tag`, i.`more`, i.`seen`
FROM `bh_incoming` i
WHERE i.`bh_op` <> 'D';

-- effects.insert_staged
INSERT INTO `population` (`region`, `id_no`, `姓名`, `100%%`, `ratio`, `alive`, `born`, `photo`, `tag`, `more`, `seen`)
SELECT i.`region`, i.`id_no`, i.`姓名`, i.`100%%`, i.`ratio`, i.`alive`, i.`born`, i.`photo`, i.`tag`, i.`more`, i.`seen`
FROM `bh_incoming` i
WHERE i.`bh_op` <> 'D';

-- effects.create
CREATE TABLE `population` (`region` INT, `id_no` VARCHAR(18) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `姓名` VARCHAR(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin COMMENT 'the person''s name', `100%%` DECIMAL(5,2), `ratio` DOUBLE, `alive` BIT(1), `born` DATE, `photo` LONGBLOB, `tag` VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `more` JSON, `seen` DATETIME(3) COMMENT '[UTC]', PRIMARY KEY (`region`, `id_no`));
ALTER TABLE `population` COMMENT 'population''s table';

-- effects.add_columns
ALTER TABLE `population` ADD COLUMN `more` JSON;
ALTER TABLE `population` ADD COLUMN `seen` DATETIME(3) COMMENT '[UTC]';

-- effects.empty_columns
UPDATE `population` SET `born` = NULL, `姓名` = NULL;

-- effects.prepare
-- nothing;

-- effects.stage
DROP TEMPORARY TABLE IF EXISTS `bh_incoming`;
CREATE TEMPORARY TABLE `bh_incoming` (`bh_op` VARCHAR(1) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `region` INT, `id_no` VARCHAR(18) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `姓名` VARCHAR(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin COMMENT 'the person''s name', `100%%` DECIMAL(5,2), `ratio` DOUBLE, `alive` BIT(1), `born` DATE, `photo` LONGBLOB, `tag` VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `more` JSON, `seen` DATETIME(3) COMMENT '[UTC]', PRIMARY KEY (`region`, `id_no`)) ENGINE=InnoDB;
DROP TEMPORARY TABLE IF EXISTS `bh_present`;
CREATE TEMPORARY TABLE `bh_present` (`region` INT, `id_no` VARCHAR(18) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, PRIMARY KEY (`region`, `id_no`)) ENGINE=InnoDB;

-- effects.clear
-- nothing;

-- effects.note_present
INSERT INTO `bh_present` (`region`, `id_no`)
SELECT t.`region`, t.`id_no`
FROM `population` t
JOIN `bh_incoming` i ON t.`region` = i.`region` AND t.`id_no` = i.`id_no`;

-- effects.lines
SELECT i.`bh_op`, CASE WHEN p.`region` IS NULL THEN 0 ELSE 1 END AS `bh_before`, CASE WHEN t.`region` IS NULL THEN 0 ELSE 1 END AS `bh_after`,
CASE WHEN t.`region` IS NULL THEN CONCAT_WS('<TAB>', coalesce(CAST(i.`region` + 0 AS CHAR), '\N'), coalesce(replace(replace(CONVERT(i.`id_no` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N')) || '<TAB>\D' ELSE CONCAT_WS('<TAB>', coalesce(CAST(t.`region` + 0 AS CHAR), '\N'), coalesce(replace(replace(CONVERT(t.`id_no` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(replace(replace(CONVERT(t.`姓名` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM t.`100%%`)), '\N'), coalesce(CASE WHEN t.`ratio` = 0 THEN '0' WHEN ABS(t.`ratio`) >= 1e-4 AND ABS(t.`ratio`) < 1e15 THEN CONCAT(CASE WHEN t.`ratio` < 0 THEN '-' ELSE '' END, CAST(ABS(t.`ratio`) + 0e0 AS CHAR)) WHEN LOCATE('e-', CAST(ABS(t.`ratio`) + 0e0 AS CHAR)) THEN CONCAT(CASE WHEN t.`ratio` < 0 THEN '-' ELSE '' END, CAST(ABS(t.`ratio`) + 0e0 AS CHAR)) WHEN LOCATE('e', CAST(ABS(t.`ratio`) + 0e0 AS CHAR)) THEN CONCAT(CASE WHEN t.`ratio` < 0 THEN '-' ELSE '' END, REPLACE(CAST(ABS(t.`ratio`) + 0e0 AS CHAR), 'e', 'e+')) WHEN ABS(t.`ratio`) < 1 THEN CONCAT(CASE WHEN t.`ratio` < 0 THEN '-' ELSE '' END, LEFT(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(t.`ratio`) + 0e0 AS CHAR), 3)), 1), CASE WHEN CHAR_LENGTH(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(t.`ratio`) + 0e0 AS CHAR), 3))) > 1 THEN CONCAT('.', SUBSTR(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(t.`ratio`) + 0e0 AS CHAR), 3)), 2)) ELSE '' END, 'e-', LPAD(CHAR_LENGTH(CAST(ABS(t.`ratio`) + 0e0 AS CHAR)) - 1 - CHAR_LENGTH(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(t.`ratio`) + 0e0 AS CHAR), 3))), 2, '0')) ELSE CONCAT(CASE WHEN t.`ratio` < 0 THEN '-' ELSE '' END, LEFT(TRIM(TRAILING '0' FROM REPLACE(CAST(ABS(t.`ratio`) + 0e0 AS CHAR), '.', '')), 1), CASE WHEN CHAR_LENGTH(TRIM(TRAILING '0' FROM REPLACE(CAST(ABS(t.`ratio`) + 0e0 AS CHAR), '.', ''))) > 1 THEN CONCAT('.', SUBSTR(TRIM(TRAILING '0' FROM REPLACE(CAST(ABS(t.`ratio`) + 0e0 AS CHAR), '.', '')), 2)) ELSE '' END, 'e+', CHAR_LENGTH(SUBSTRING_INDEX(CAST(ABS(t.`ratio`) + 0e0 AS CHAR), '.', 1)) - 1) END, '\N'), coalesce(CASE t.`alive` WHEN 1 THEN 'true' WHEN 0 THEN 'false' END, '\N'), coalesce(CAST(t.`born` AS CHAR), '\N'), coalesce(LOWER(HEX(t.`photo`)), '\N'), coalesce(replace(replace(CONVERT(t.`tag` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(replace(replace(CONVERT(t.`more` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(CONCAT(TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM CAST(t.`seen` AS CHAR))), '+00'), '\N')) END AS line
FROM `bh_incoming` i
LEFT JOIN `bh_present` p ON p.`region` = i.`region` AND p.`id_no` = i.`id_no`
LEFT JOIN `population` t ON t.`region` = i.`region` AND t.`id_no` = i.`id_no`;

-- effects.lines, digested
SELECT `bh_op`, `bh_before`, `bh_after`, count(*), CASE WHEN count(*) = count(h) THEN SUM(CAST(CONV(SUBSTR(h, 1, 16), 16, 10) AS UNSIGNED)) END, SUM(CAST(CONV(SUBSTR(h, 17, 16), 16, 10) AS UNSIGNED))
FROM (SELECT `bh_op`, `bh_before`, `bh_after`, SHA2(line, 256) AS h
FROM (SELECT i.`bh_op`, CASE WHEN p.`region` IS NULL THEN 0 ELSE 1 END AS `bh_before`, CASE WHEN t.`region` IS NULL THEN 0 ELSE 1 END AS `bh_after`,
CASE WHEN t.`region` IS NULL THEN CONCAT_WS('<TAB>', coalesce(CAST(i.`region` + 0 AS CHAR), '\N'), coalesce(replace(replace(CONVERT(i.`id_no` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N')) || '<TAB>\D' ELSE CONCAT_WS('<TAB>', coalesce(CAST(t.`region` + 0 AS CHAR), '\N'), coalesce(replace(replace(CONVERT(t.`id_no` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(replace(replace(CONVERT(t.`姓名` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM t.`100%%`)), '\N'), coalesce(CASE WHEN t.`ratio` = 0 THEN '0' WHEN ABS(t.`ratio`) >= 1e-4 AND ABS(t.`ratio`) < 1e15 THEN CONCAT(CASE WHEN t.`ratio` < 0 THEN '-' ELSE '' END, CAST(ABS(t.`ratio`) + 0e0 AS CHAR)) WHEN LOCATE('e-', CAST(ABS(t.`ratio`) + 0e0 AS CHAR)) THEN CONCAT(CASE WHEN t.`ratio` < 0 THEN '-' ELSE '' END, CAST(ABS(t.`ratio`) + 0e0 AS CHAR)) WHEN LOCATE('e', CAST(ABS(t.`ratio`) + 0e0 AS CHAR)) THEN CONCAT(CASE WHEN t.`ratio` < 0 THEN '-' ELSE '' END, REPLACE(CAST(ABS(t.`ratio`) + 0e0 AS CHAR), 'e', 'e+')) WHEN ABS(t.`ratio`) < 1 THEN CONCAT(CASE WHEN t.`ratio` < 0 THEN '-' ELSE '' END, LEFT(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(t.`ratio`) + 0e0 AS CHAR), 3)), 1), CASE WHEN CHAR_LENGTH(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(t.`ratio`) + 0e0 AS CHAR), 3))) > 1 THEN CONCAT('.', SUBSTR(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(t.`ratio`) + 0e0 AS CHAR), 3)), 2)) ELSE '' END, 'e-', LPAD(CHAR_LENGTH(CAST(ABS(t.`ratio`) + 0e0 AS CHAR)) - 1 - CHAR_LENGTH(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(t.`ratio`) + 0e0 AS CHAR), 3))), 2, '0')) ELSE CONCAT(CASE WHEN t.`ratio` < 0 THEN '-' ELSE '' END, LEFT(TRIM(TRAILING '0' FROM REPLACE(CAST(ABS(t.`ratio`) + 0e0 AS CHAR), '.', '')), 1), CASE WHEN CHAR_LENGTH(TRIM(TRAILING '0' FROM REPLACE(CAST(ABS(t.`ratio`) + 0e0 AS CHAR), '.', ''))) > 1 THEN CONCAT('.', SUBSTR(TRIM(TRAILING '0' FROM REPLACE(CAST(ABS(t.`ratio`) + 0e0 AS CHAR), '.', '')), 2)) ELSE '' END, 'e+', CHAR_LENGTH(SUBSTRING_INDEX(CAST(ABS(t.`ratio`) + 0e0 AS CHAR), '.', 1)) - 1) END, '\N'), coalesce(CASE t.`alive` WHEN 1 THEN 'true' WHEN 0 THEN 'false' END, '\N'), coalesce(CAST(t.`born` AS CHAR), '\N'), coalesce(LOWER(HEX(t.`photo`)), '\N'), coalesce(replace(replace(CONVERT(t.`tag` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(replace(replace(CONVERT(t.`more` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(CONCAT(TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM CAST(t.`seen` AS CHAR))), '+00'), '\N')) END AS line
FROM `bh_incoming` i
LEFT JOIN `bh_present` p ON p.`region` = i.`region` AND p.`id_no` = i.`id_no`
LEFT JOIN `population` t ON t.`region` = i.`region` AND t.`id_no` = i.`id_no`) l LIMIT 18446744073709551615) d
GROUP BY CAST(`bh_op` AS BINARY), CAST(`bh_before` AS BINARY), CAST(`bh_after` AS BINARY);

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
WHERE (`region` >= CAST(%s AS SIGNED) AND (`region` > CAST(%s AS SIGNED) OR `region` = CAST(%s AS SIGNED) AND `id_no` > %s)) AND (`region` <= CAST(%s AS SIGNED) AND (`region` < CAST(%s AS SIGNED) OR `region` = CAST(%s AS SIGNED) AND `id_no` <= %s));
-- values: '1', '1', '1', 'a', '2', '2', '2', 'b'

-- effects.delete_others
DELETE t FROM `population` AS t
WHERE (t.`region` >= CAST(%s AS SIGNED) AND (t.`region` > CAST(%s AS SIGNED) OR t.`region` = CAST(%s AS SIGNED) AND t.`id_no` > %s)) AND (t.`region` <= CAST(%s AS SIGNED) AND (t.`region` < CAST(%s AS SIGNED) OR t.`region` = CAST(%s AS SIGNED) AND t.`id_no` <= %s)) AND NOT EXISTS (SELECT 1 FROM `bh_incoming` i WHERE t.`region` = i.`region` AND t.`id_no` = i.`id_no`);
-- values: '1', '1', '1', 'a', '2', '2', '2', 'b'

-- effects.range_lines
SELECT CONCAT_WS('<TAB>', coalesce(CAST(`region` + 0 AS CHAR), '\N'), coalesce(replace(replace(CONVERT(`id_no` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(replace(replace(CONVERT(`姓名` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM `100%%`)), '\N'), coalesce(CASE WHEN `ratio` = 0 THEN '0' WHEN ABS(`ratio`) >= 1e-4 AND ABS(`ratio`) < 1e15 THEN CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, CAST(ABS(`ratio`) + 0e0 AS CHAR)) WHEN LOCATE('e-', CAST(ABS(`ratio`) + 0e0 AS CHAR)) THEN CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, CAST(ABS(`ratio`) + 0e0 AS CHAR)) WHEN LOCATE('e', CAST(ABS(`ratio`) + 0e0 AS CHAR)) THEN CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, REPLACE(CAST(ABS(`ratio`) + 0e0 AS CHAR), 'e', 'e+')) WHEN ABS(`ratio`) < 1 THEN CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, LEFT(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(`ratio`) + 0e0 AS CHAR), 3)), 1), CASE WHEN CHAR_LENGTH(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(`ratio`) + 0e0 AS CHAR), 3))) > 1 THEN CONCAT('.', SUBSTR(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(`ratio`) + 0e0 AS CHAR), 3)), 2)) ELSE '' END, 'e-', LPAD(CHAR_LENGTH(CAST(ABS(`ratio`) + 0e0 AS CHAR)) - 1 - CHAR_LENGTH(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(`ratio`) + 0e0 AS CHAR), 3))), 2, '0')) ELSE CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, LEFT(TRIM(TRAILING '0' FROM REPLACE(CAST(ABS(`ratio`) + 0e0 AS CHAR), '.', '')), 1), CASE WHEN CHAR_LENGTH(TRIM(TRAILING '0' FROM REPLACE(CAST(ABS(`ratio`) + 0e0 AS CHAR), '.', ''))) > 1 THEN CONCAT('.', SUBSTR(TRIM(TRAILING '0' FROM REPLACE(CAST(ABS(`ratio`) + 0e0 AS CHAR), '.', '')), 2)) ELSE '' END, 'e+', CHAR_LENGTH(SUBSTRING_INDEX(CAST(ABS(`ratio`) + 0e0 AS CHAR), '.', 1)) - 1) END, '\N'), coalesce(CASE `alive` WHEN 1 THEN 'true' WHEN 0 THEN 'false' END, '\N'), coalesce(CAST(`born` AS CHAR), '\N'), coalesce(LOWER(HEX(`photo`)), '\N'), coalesce(replace(replace(CONVERT(`tag` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(replace(replace(CONVERT(`more` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(CONCAT(TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM CAST(`seen` AS CHAR))), '+00'), '\N')) AS line
FROM `population`
WHERE (`region` >= CAST(%s AS SIGNED) AND (`region` > CAST(%s AS SIGNED) OR `region` = CAST(%s AS SIGNED) AND `id_no` > %s)) AND (`region` <= CAST(%s AS SIGNED) AND (`region` < CAST(%s AS SIGNED) OR `region` = CAST(%s AS SIGNED) AND `id_no` <= %s));
-- values: '1', '1', '1', 'a', '2', '2', '2', 'b'

-- effects.keyed_lines
SELECT CAST(`region` + 0 AS CHAR) AS `bh_0`, CONVERT(`id_no` USING utf8mb4) AS `bh_1`, CONCAT_WS('<TAB>', coalesce(CAST(`region` + 0 AS CHAR), '\N'), coalesce(replace(replace(CONVERT(`id_no` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(replace(replace(CONVERT(`姓名` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM `100%%`)), '\N'), coalesce(CASE WHEN `ratio` = 0 THEN '0' WHEN ABS(`ratio`) >= 1e-4 AND ABS(`ratio`) < 1e15 THEN CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, CAST(ABS(`ratio`) + 0e0 AS CHAR)) WHEN LOCATE('e-', CAST(ABS(`ratio`) + 0e0 AS CHAR)) THEN CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, CAST(ABS(`ratio`) + 0e0 AS CHAR)) WHEN LOCATE('e', CAST(ABS(`ratio`) + 0e0 AS CHAR)) THEN CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, REPLACE(CAST(ABS(`ratio`) + 0e0 AS CHAR), 'e', 'e+')) WHEN ABS(`ratio`) < 1 THEN CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, LEFT(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(`ratio`) + 0e0 AS CHAR), 3)), 1), CASE WHEN CHAR_LENGTH(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(`ratio`) + 0e0 AS CHAR), 3))) > 1 THEN CONCAT('.', SUBSTR(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(`ratio`) + 0e0 AS CHAR), 3)), 2)) ELSE '' END, 'e-', LPAD(CHAR_LENGTH(CAST(ABS(`ratio`) + 0e0 AS CHAR)) - 1 - CHAR_LENGTH(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(`ratio`) + 0e0 AS CHAR), 3))), 2, '0')) ELSE CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, LEFT(TRIM(TRAILING '0' FROM REPLACE(CAST(ABS(`ratio`) + 0e0 AS CHAR), '.', '')), 1), CASE WHEN CHAR_LENGTH(TRIM(TRAILING '0' FROM REPLACE(CAST(ABS(`ratio`) + 0e0 AS CHAR), '.', ''))) > 1 THEN CONCAT('.', SUBSTR(TRIM(TRAILING '0' FROM REPLACE(CAST(ABS(`ratio`) + 0e0 AS CHAR), '.', '')), 2)) ELSE '' END, 'e+', CHAR_LENGTH(SUBSTRING_INDEX(CAST(ABS(`ratio`) + 0e0 AS CHAR), '.', 1)) - 1) END, '\N'), coalesce(CASE `alive` WHEN 1 THEN 'true' WHEN 0 THEN 'false' END, '\N'), coalesce(CAST(`born` AS CHAR), '\N'), coalesce(LOWER(HEX(`photo`)), '\N'), coalesce(replace(replace(CONVERT(`tag` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(replace(replace(CONVERT(`more` USING utf8mb4), '\', '\\'), '<TAB>', '\t'), '\N'), coalesce(CONCAT(TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM CAST(`seen` AS CHAR))), '+00'), '\N')) AS line
FROM `population`
WHERE (`region` >= CAST(%s AS SIGNED) AND (`region` > CAST(%s AS SIGNED) OR `region` = CAST(%s AS SIGNED) AND `id_no` > %s)) AND (`region` <= CAST(%s AS SIGNED) AND (`region` < CAST(%s AS SIGNED) OR `region` = CAST(%s AS SIGNED) AND `id_no` <= %s));
-- values: '1', '1', '1', 'a', '2', '2', '2', 'b'

-- effects.key_at
SELECT CAST(k.`region` + 0 AS CHAR), CONVERT(k.`id_no` USING utf8mb4)
FROM `population` k
WHERE (k.`region` >= CAST(%s AS SIGNED) AND (k.`region` > CAST(%s AS SIGNED) OR k.`region` = CAST(%s AS SIGNED) AND k.`id_no` > %s)) AND (k.`region` <= CAST(%s AS SIGNED) AND (k.`region` < CAST(%s AS SIGNED) OR k.`region` = CAST(%s AS SIGNED) AND k.`id_no` <= %s))
ORDER BY k.`region`, k.`id_no`
LIMIT 1 OFFSET 1000;
-- values: '1', '1', '1', 'a', '2', '2', '2', 'b'

-- selection.select
SELECT CAST(`region` + 0 AS CHAR) AS bh_0, CONVERT(`id_no` USING utf8mb4) AS bh_1, CONVERT(`姓名` USING utf8mb4) AS bh_2, TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM `100%%`)) AS bh_3, CASE WHEN `ratio` = 0 THEN '0' WHEN ABS(`ratio`) >= 1e-4 AND ABS(`ratio`) < 1e15 THEN CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, CAST(ABS(`ratio`) + 0e0 AS CHAR)) WHEN LOCATE('e-', CAST(ABS(`ratio`) + 0e0 AS CHAR)) THEN CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, CAST(ABS(`ratio`) + 0e0 AS CHAR)) WHEN LOCATE('e', CAST(ABS(`ratio`) + 0e0 AS CHAR)) THEN CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, REPLACE(CAST(ABS(`ratio`) + 0e0 AS CHAR), 'e', 'e+')) WHEN ABS(`ratio`) < 1 THEN CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, LEFT(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(`ratio`) + 0e0 AS CHAR), 3)), 1), CASE WHEN CHAR_LENGTH(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(`ratio`) + 0e0 AS CHAR), 3))) > 1 THEN CONCAT('.', SUBSTR(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(`ratio`) + 0e0 AS CHAR), 3)), 2)) ELSE '' END, 'e-', LPAD(CHAR_LENGTH(CAST(ABS(`ratio`) + 0e0 AS CHAR)) - 1 - CHAR_LENGTH(TRIM(LEADING '0' FROM SUBSTR(CAST(ABS(`ratio`) + 0e0 AS CHAR), 3))), 2, '0')) ELSE CONCAT(CASE WHEN `ratio` < 0 THEN '-' ELSE '' END, LEFT(TRIM(TRAILING '0' FROM REPLACE(CAST(ABS(`ratio`) + 0e0 AS CHAR), '.', '')), 1), CASE WHEN CHAR_LENGTH(TRIM(TRAILING '0' FROM REPLACE(CAST(ABS(`ratio`) + 0e0 AS CHAR), '.', ''))) > 1 THEN CONCAT('.', SUBSTR(TRIM(TRAILING '0' FROM REPLACE(CAST(ABS(`ratio`) + 0e0 AS CHAR), '.', '')), 2)) ELSE '' END, 'e+', CHAR_LENGTH(SUBSTRING_INDEX(CAST(ABS(`ratio`) + 0e0 AS CHAR), '.', 1)) - 1) END AS bh_4, CASE `alive` WHEN 1 THEN 'true' WHEN 0 THEN 'false' END AS bh_5, CAST(`born` AS CHAR) AS bh_6, LOWER(HEX(`photo`)) AS bh_7, CONVERT(`tag` USING utf8mb4) AS bh_8, CONVERT(`more` USING utf8mb4) AS bh_9, CONCAT(TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM CAST(`seen` AS CHAR))), '+00') AS bh_10
FROM `population`
WHERE (`region` >= CAST(%s AS SIGNED) AND (`region` > CAST(%s AS SIGNED) OR `region` = CAST(%s AS SIGNED) AND `id_no` > %s)) AND (`region` <= CAST(%s AS SIGNED) AND (`region` < CAST(%s AS SIGNED) OR `region` = CAST(%s AS SIGNED) AND `id_no` <= %s)) AND ((`region` = CAST(%s AS SIGNED) AND `id_no` = %s)) AND 1 = 1 AND `alive` IS NOT NULL
ORDER BY `region`, `id_no`;
-- values: '1', '1', '1', 'a', '2', '2', '2', 'b', '1', 'a'

-- dialect.by_chance
RAND() < 0.015000000;

-- dialect.analyze
-- nothing;
