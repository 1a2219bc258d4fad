-- changes.create
CREATE TABLE [exchange].[population] ([region] int NOT NULL, [id_no] varchar(72) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL, [姓名] nvarchar(50), [100%] decimal(5,2), [ratio] float, [alive] bit, [born] date, [photo] varbinary(max), [tag] uniqueidentifier, [more] nvarchar(max), [seen] datetimeoffset(3), [bh_cursor] datetime2(6), [bh_epoch] bigint NOT NULL, [bh_seq] bigint NOT NULL, CONSTRAINT [bh_key_population] PRIMARY KEY ([region], [id_no]));
CREATE TABLE [exchange].[population_bh] ([bh_epoch] bigint NOT NULL, [bh_seq] bigint NOT NULL, [bh_op] CHAR(1) NOT NULL, [region] int, [id_no] nvarchar(18), [姓名] nvarchar(50), [100%] decimal(5,2), [ratio] float, [alive] bit, [born] date, [photo] varbinary(max), [tag] uniqueidentifier, [more] nvarchar(max), [seen] datetimeoffset(3));
CREATE INDEX [bh_seq_population_bh] ON [exchange].[population_bh] ([bh_epoch], [bh_seq]);

-- changes.drop
DROP TABLE IF EXISTS [exchange].[population];
DROP TABLE IF EXISTS [exchange].[population_bh];

-- changes.stage
DROP TABLE IF EXISTS [bh_stage];
CREATE TABLE [bh_stage] ([region] int NOT NULL, [id_no] varchar(72) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL, [姓名] nvarchar(50), [100%] decimal(5,2), [ratio] float, [alive] bit, [born] date, [photo] varbinary(max), [tag] uniqueidentifier, [more] nvarchar(max), [seen] datetimeoffset(3), [bh_cursor] datetime2(6), PRIMARY KEY ([region], [id_no]));
DROP TABLE IF EXISTS [bh_gone];
CREATE TABLE [bh_gone] ([region] int NOT NULL, [id_no] varchar(72) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL, [bh_cursor] datetime2(6), PRIMARY KEY ([region], [id_no]));
DROP TABLE IF EXISTS [bh_late];
CREATE TABLE [bh_late] ([region] int NOT NULL, [id_no] varchar(72) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL, [bh_cursor] datetime2(6), PRIMARY KEY ([region], [id_no]));

-- changes.see
DROP TABLE IF EXISTS [bh_seen];
CREATE TABLE [bh_seen] ([region] int NOT NULL, [id_no] varchar(72) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL, [bh_cursor] datetime2(6), PRIMARY KEY ([region], [id_no]));

-- changes.classify
INSERT INTO [exchange].[population_bh] ([bh_epoch], [bh_seq], [bh_op], [region], [id_no], [姓名], [100%], [ratio], [alive], [born], [photo], [tag], [more], [seen])
SELECT ?, ?, CASE WHEN c.[region] IS NULL THEN 'I' ELSE 'U' END, s.[region], s.[id_no], s.[姓名], s.[100%], s.[ratio], s.[alive], s.[born], s.[photo], s.[tag], s.[more], s.[seen]
FROM [bh_stage] s
LEFT JOIN [exchange].[population] c ON c.[region] = s.[region] AND c.[id_no] = s.[id_no]
WHERE c.[region] IS NULL OR EXISTS (SELECT s.[姓名] EXCEPT SELECT c.[姓名]) OR EXISTS (SELECT s.[100%] EXCEPT SELECT c.[100%]) OR EXISTS (SELECT s.[ratio] EXCEPT SELECT c.[ratio]) OR EXISTS (SELECT s.[alive] EXCEPT SELECT c.[alive]) OR EXISTS (SELECT s.[born] EXCEPT SELECT c.[born]) OR EXISTS (SELECT s.[photo] EXCEPT SELECT c.[photo]) OR EXISTS (SELECT s.[tag] EXCEPT SELECT c.[tag]) OR EXISTS (SELECT s.[more] EXCEPT SELECT c.[more]) OR EXISTS (SELECT s.[seen] EXCEPT SELECT c.[seen]);
-- values: 1, 7
INSERT INTO [exchange].[population_bh] ([bh_epoch], [bh_seq], [bh_op], [region], [id_no])
SELECT ?, ?, 'D', g.[region], g.[id_no]
FROM [bh_gone] g
JOIN [exchange].[population] c ON c.[region] = g.[region] AND c.[id_no] = g.[id_no];
-- values: 1, 7

-- changes.count_changes
SELECT [bh_op], count(*)
FROM [exchange].[population_bh]
WHERE [bh_epoch] = ? AND [bh_seq] = ?
GROUP BY [bh_op];
-- values: 1, 7

-- changes.apply
DELETE c
FROM [exchange].[population] AS c
WHERE EXISTS (SELECT 1 FROM [exchange].[population_bh] h WHERE h.[bh_epoch] = ? AND h.[bh_seq] = ? AND h.[bh_op] <> 'I' AND h.[region] = c.[region] AND h.[id_no] = c.[id_no]);
-- values: 1, 7
INSERT INTO [exchange].[population] ([region], [id_no], [姓名], [100%], [ratio], [alive], [born], [photo], [tag], [more], [seen], [bh_cursor], [bh_epoch], [bh_seq])
SELECT s.[region], s.[id_no], s.[姓名], s.[100%], s.[ratio], s.[alive], s.[born], s.[photo], s.[tag], s.[more], s.[seen], s.[bh_cursor], ?, ?
FROM [bh_stage] s
JOIN [exchange].[population_bh] h ON h.[bh_epoch] = ? AND h.[bh_seq] = ? AND h.[region] = s.[region] AND h.[id_no] = s.[id_no];
-- values: 1, 7, 1, 7
UPDATE c
SET [bh_cursor] = s.[bh_cursor]
FROM [exchange].[population] AS c
JOIN [bh_stage] s ON c.[region] = s.[region] AND c.[id_no] = s.[id_no]
WHERE EXISTS (SELECT c.[bh_cursor] EXCEPT SELECT s.[bh_cursor]);

-- changes.refresh_cursor
UPDATE c
SET [bh_cursor] = s.[bh_cursor]
FROM [exchange].[population] AS c
JOIN [bh_stage] s ON c.[region] = s.[region] AND c.[id_no] = s.[id_no]
WHERE EXISTS (SELECT c.[bh_cursor] EXCEPT SELECT s.[bh_cursor]);

-- changes.sealed_lines
SELECT CASE WHEN [bh_op] = 'D' THEN CAST(coalesce(CONVERT(varchar(20), [region]), '\N') AS nvarchar(max)) + N'<TAB>' + coalesce(REPLACE(REPLACE(CONVERT(nvarchar(max), [id_no]), '\', '\\'), '<TAB>', '\t'), '\N') + N'<TAB>\D' ELSE CAST(coalesce(CONVERT(varchar(20), [region]), '\N') AS nvarchar(max)) + N'<TAB>' + coalesce(REPLACE(REPLACE(CONVERT(nvarchar(max), [id_no]), '\', '\\'), '<TAB>', '\t'), '\N') + N'<TAB>' + coalesce(REPLACE(REPLACE(CONVERT(nvarchar(max), [姓名]), '\', '\\'), '<TAB>', '\t'), '\N') + N'<TAB>' + coalesce(CASE WHEN CONVERT(varchar(41), CAST([100%] AS decimal(5,2))) LIKE '%.%' THEN REPLACE(REPLACE(REPLACE(RTRIM(REPLACE(CONVERT(varchar(41), CAST([100%] AS decimal(5,2))), '0', ' ')), ' ', '0') + '|', '.|', ''), '|', '') ELSE CONVERT(varchar(41), CAST([100%] AS decimal(5,2))) END, '\N') + N'<TAB>' + coalesce('\F' + CONVERT(varchar(30), [ratio], 3), '\N') + N'<TAB>' + coalesce(CASE [alive] WHEN 1 THEN 'true' WHEN 0 THEN 'false' END, '\N') + N'<TAB>' + coalesce(CONVERT(varchar(10), [born], 23), '\N') + N'<TAB>' + coalesce(LOWER(CONVERT(varchar(max), [photo], 2)), '\N') + N'<TAB>' + coalesce(LOWER(CONVERT(varchar(36), [tag])), '\N') + N'<TAB>' + coalesce(REPLACE(REPLACE(CONVERT(nvarchar(max), [more]), '\', '\\'), '<TAB>', '\t'), '\N') + N'<TAB>' + coalesce(REPLACE(CASE WHEN REPLACE(CONVERT(varchar(27), CAST(SWITCHOFFSET([seen], '+00:00') AS datetime2(3)), 121), ' ', 'T') LIKE '%.%' THEN REPLACE(REPLACE(REPLACE(RTRIM(REPLACE(REPLACE(CONVERT(varchar(27), CAST(SWITCHOFFSET([seen], '+00:00') AS datetime2(3)), 121), ' ', 'T'), '0', ' ')), ' ', '0') + '|', '.|', ''), '|', '') ELSE REPLACE(CONVERT(varchar(27), CAST(SWITCHOFFSET([seen], '+00:00') AS datetime2(3)), 121), ' ', 'T') END, 'T', ' ') + '+00', '\N') END AS line
FROM [exchange].[population_bh]
WHERE [bh_epoch] = ? AND [bh_seq] = ?;
-- values: 1, 7

-- changes.image_lines
SELECT CAST(coalesce(CONVERT(varchar(20), [region]), '\N') AS nvarchar(max)) + N'<TAB>' + coalesce(REPLACE(REPLACE(CONVERT(nvarchar(max), [id_no]), '\', '\\'), '<TAB>', '\t'), '\N') + N'<TAB>' + coalesce(REPLACE(REPLACE(CONVERT(nvarchar(max), [姓名]), '\', '\\'), '<TAB>', '\t'), '\N') + N'<TAB>' + coalesce(CASE WHEN CONVERT(varchar(41), CAST([100%] AS decimal(5,2))) LIKE '%.%' THEN REPLACE(REPLACE(REPLACE(RTRIM(REPLACE(CONVERT(varchar(41), CAST([100%] AS decimal(5,2))), '0', ' ')), ' ', '0') + '|', '.|', ''), '|', '') ELSE CONVERT(varchar(41), CAST([100%] AS decimal(5,2))) END, '\N') + N'<TAB>' + coalesce('\F' + CONVERT(varchar(30), [ratio], 3), '\N') + N'<TAB>' + coalesce(CASE [alive] WHEN 1 THEN 'true' WHEN 0 THEN 'false' END, '\N') + N'<TAB>' + coalesce(CONVERT(varchar(10), [born], 23), '\N') + N'<TAB>' + coalesce(LOWER(CONVERT(varchar(max), [photo], 2)), '\N') + N'<TAB>' + coalesce(LOWER(CONVERT(varchar(36), [tag])), '\N') + N'<TAB>' + coalesce(REPLACE(REPLACE(CONVERT(nvarchar(max), [more]), '\', '\\'), '<TAB>', '\t'), '\N') + N'<TAB>' + coalesce(REPLACE(CASE WHEN REPLACE(CONVERT(varchar(27), CAST(SWITCHOFFSET([seen], '+00:00') AS datetime2(3)), 121), ' ', 'T') LIKE '%.%' THEN REPLACE(REPLACE(REPLACE(RTRIM(REPLACE(REPLACE(CONVERT(varchar(27), CAST(SWITCHOFFSET([seen], '+00:00') AS datetime2(3)), 121), ' ', 'T'), '0', ' ')), ' ', '0') + '|', '.|', ''), '|', '') ELSE REPLACE(CONVERT(varchar(27), CAST(SWITCHOFFSET([seen], '+00:00') AS datetime2(3)), 121), ' ', 'T') END, 'T', ' ') + '+00', '\N') AS line
FROM [exchange].[population]
WHERE (([region] > CAST(? AS int)) OR ([region] = CAST(? AS int) AND [id_no] > CAST(? COLLATE Latin1_General_100_BIN2_UTF8 AS varchar(8000)))) AND (([region] < CAST(? AS int)) OR ([region] = CAST(? AS int) AND [id_no] <= CAST(? COLLATE Latin1_General_100_BIN2_UTF8 AS varchar(8000))));
-- values: '1', '1', 'a', '2', '2', 'b'

-- changes.keyed_lines
SELECT CONVERT(varchar(20), [region]) AS [bh_0], CONVERT(nvarchar(max), [id_no]) AS [bh_1], CAST(coalesce(CONVERT(varchar(20), [region]), '\N') AS nvarchar(max)) + N'<TAB>' + coalesce(REPLACE(REPLACE(CONVERT(nvarchar(max), [id_no]), '\', '\\'), '<TAB>', '\t'), '\N') + N'<TAB>' + coalesce(REPLACE(REPLACE(CONVERT(nvarchar(max), [姓名]), '\', '\\'), '<TAB>', '\t'), '\N') + N'<TAB>' + coalesce(CASE WHEN CONVERT(varchar(41), CAST([100%] AS decimal(5,2))) LIKE '%.%' THEN REPLACE(REPLACE(REPLACE(RTRIM(REPLACE(CONVERT(varchar(41), CAST([100%] AS decimal(5,2))), '0', ' ')), ' ', '0') + '|', '.|', ''), '|', '') ELSE CONVERT(varchar(41), CAST([100%] AS decimal(5,2))) END, '\N') + N'<TAB>' + coalesce('\F' + CONVERT(varchar(30), [ratio], 3), '\N') + N'<TAB>' + coalesce(CASE [alive] WHEN 1 THEN 'true' WHEN 0 THEN 'false' END, '\N') + N'<TAB>' + coalesce(CONVERT(varchar(10), [born], 23), '\N') + N'<TAB>' + coalesce(LOWER(CONVERT(varchar(max), [photo], 2)), '\N') + N'<TAB>' + coalesce(LOWER(CONVERT(varchar(36), [tag])), '\N') + N'<TAB>' + coalesce(REPLACE(REPLACE(CONVERT(nvarchar(max), [more]), '\', '\\'), '<TAB>', '\t'), '\N') + N'<TAB>' + coalesce(REPLACE(CASE WHEN REPLACE(CONVERT(varchar(27), CAST(SWITCHOFFSET([seen], '+00:00') AS datetime2(3)), 121), ' ', 'T') LIKE '%.%' THEN REPLACE(REPLACE(REPLACE(RTRIM(REPLACE(REPLACE(CONVERT(varchar(27), CAST(SWITCHOFFSET([seen], '+00:00') AS datetime2(3)), 121), ' ', 'T'), '0', ' ')), ' ', '0') + '|', '.|', ''), '|', '') ELSE REPLACE(CONVERT(varchar(27), CAST(SWITCHOFFSET([seen], '+00:00') AS datetime2(3)), 121), ' ', 'T') END, 'T', ' ') + '+00', '\N') AS line
FROM [exchange].[population]
WHERE (([region] > CAST(? AS int)) OR ([region] = CAST(? AS int) AND [id_no] > CAST(? COLLATE Latin1_General_100_BIN2_UTF8 AS varchar(8000)))) AND (([region] < CAST(? AS int)) OR ([region] = CAST(? AS int) AND [id_no] <= CAST(? COLLATE Latin1_General_100_BIN2_UTF8 AS varchar(8000))));
-- values: '1', '1', 'a', '2', '2', 'b'

-- changes.key_at
SELECT CONVERT(varchar(20), k.[region]), CONVERT(nvarchar(max), k.[id_no])
FROM [exchange].[population] k
WHERE ((k.[region] > CAST(? AS int)) OR (k.[region] = CAST(? AS int) AND k.[id_no] > CAST(? COLLATE Latin1_General_100_BIN2_UTF8 AS varchar(8000)))) AND ((k.[region] < CAST(? AS int)) OR (k.[region] = CAST(? AS int) AND k.[id_no] <= CAST(? COLLATE Latin1_General_100_BIN2_UTF8 AS varchar(8000))))
ORDER BY k.[region], k.[id_no]
OFFSET 1000 ROWS FETCH NEXT 1 ROWS ONLY;
-- values: '1', '1', 'a', '2', '2', 'b'

-- changes.highest_key
SELECT CONVERT(varchar(20), k.[region]), CONVERT(nvarchar(max), k.[id_no])
FROM [exchange].[population] k
ORDER BY k.[region] DESC, k.[id_no] DESC
OFFSET 0 ROWS FETCH NEXT 1 ROWS ONLY;

-- changes.settle_differences
DELETE x
FROM [bh_gone] AS x
WHERE EXISTS (SELECT 1 FROM [bh_late] y WHERE y.[region] = x.[region] AND y.[id_no] = x.[id_no]);
DELETE x
FROM [bh_late] AS x
WHERE EXISTS (SELECT 1 FROM [bh_stage] y WHERE y.[region] = x.[region] AND y.[id_no] = x.[id_no]);

-- changes.forget_young
DELETE FROM [bh_late]
WHERE [bh_cursor] >= CAST(? AS datetime2(6)) AND [bh_cursor] < CAST(? AS datetime2(6));
-- values: '2024-01-01 00:00:00', '2024-01-02 00:00:00'

-- changes.late_keys
SELECT CONVERT(varchar(20), k.[region]), CONVERT(nvarchar(max), k.[id_no])
FROM [bh_late] k
ORDER BY k.[region], k.[id_no]
OFFSET 0 ROWS FETCH NEXT 1000 ROWS ONLY;

-- changes.forget
DELETE FROM [bh_gone]
WHERE (([region] = CAST(? AS int) AND [id_no] = CAST(? COLLATE Latin1_General_100_BIN2_UTF8 AS varchar(8000))) OR ([region] = CAST(? AS int) AND [id_no] = CAST(? COLLATE Latin1_General_100_BIN2_UTF8 AS varchar(8000))));
-- values: '1', 'a', '2', 'b'

-- changes.missing_in_stage
INSERT INTO [bh_gone] ([region], [id_no])
SELECT c.[region], c.[id_no]
FROM [exchange].[population] c
LEFT JOIN [bh_stage] s ON s.[region] = c.[region] AND s.[id_no] = c.[id_no]
WHERE s.[region] IS NULL AND 1 = 1;

-- effects.apply (business)
DELETE t
FROM [population] AS t
WHERE EXISTS (SELECT 1 FROM [#bh_incoming] i WHERE t.[region] = i.[region] AND t.[id_no] = i.[id_no] COLLATE Latin1_General_100_BIN2_UTF8 AND i.[bh_op] = 'D');
UPDATE t
SET [姓名] = i.[姓名], [100%] = i.[100%], [ratio] = i.[ratio], [alive] = i.[alive], [born] = i.[born], [photo] = i.[photo], [tag] = i.[tag], [more] = i.[more], [seen] = i.[seen]
FROM [population] AS t
JOIN [#bh_incoming] i ON t.[region] = i.[region] AND t.[id_no] = i.[id_no] COLLATE Latin1_General_100_BIN2_UTF8
WHERE i.[bh_op] <> 'D';
INSERT INTO [population] ([region], [id_no], [姓名], [100%], [ratio], [alive], [born], [photo], [tag], [more], [seen])
SELECT i.[region], i.[id_no], i.[姓名], i.[100%], i.[ratio], i.[alive], i.[born], i.[photo], i.[tag], i.[more], i.[seen]
FROM [#bh_incoming] i
WHERE i.[bh_op] <> 'D' AND NOT EXISTS (SELECT 1 FROM [population] t WHERE t.[region] = i.[region] AND t.[id_no] = i.[id_no] COLLATE Latin1_General_100_BIN2_UTF8);

-- effects.apply (owned)
DELETE t
FROM [population] AS t
WHERE EXISTS (SELECT 1 FROM [#bh_incoming] i WHERE t.[region] = i.[region] AND t.[id_no] = i.[id_no] COLLATE Latin1_General_100_BIN2_UTF8);
INSERT INTO [population] ([region], [id_no], [姓名], [100%], [ratio], [alive], [born], [photo], [tag], [more], [seen])
SELECT i.[region], i.[id_no], i.[姓名], i.[100%], i.[ratio], i.[alive], i.[born], i.[photo], i.[tag], i.[more], i.[seen]
FROM [#bh_incoming] i
WHERE i.[bh_op] <> 'D';

-- effects.insert_staged
INSERT INTO [population] ([region], [id_no], [姓名], [100%], [ratio], [alive], [born], [photo], [tag], [more], [seen])
SELECT i.[region], i.[id_no], i.[姓名], i.[100%], i.[ratio], i.[alive], i.[born], i.[photo], i.[tag], i.[more], i.[seen]
FROM [#bh_incoming] i
WHERE i.[bh_op] <> 'D';

-- effects.create
CREATE TABLE [population] ([region] int NOT NULL, [id_no] varchar(72) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL, [姓名] nvarchar(50), [100%] decimal(5,2), [ratio] float, [alive] bit, [born] date, [photo] varbinary(max), [tag] uniqueidentifier, [more] nvarchar(max), [seen] datetimeoffset(3), PRIMARY KEY ([region], [id_no]));

-- effects.add_columns
ALTER TABLE [population] ADD [more] nvarchar(max);
ALTER TABLE [population] ADD [seen] datetimeoffset(3);

-- effects.empty_columns
UPDATE [population] SET [born] = NULL, [姓名] = NULL;

-- effects.prepare
-- nothing;

-- effects.stage
DROP TABLE IF EXISTS [#bh_incoming];
CREATE TABLE [#bh_incoming] ([bh_op] nvarchar(1), [region] int NOT NULL, [id_no] varchar(72) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL, [姓名] nvarchar(50), [100%] decimal(5,2), [ratio] float, [alive] bit, [born] date, [photo] varbinary(max), [tag] uniqueidentifier, [more] nvarchar(max), [seen] datetimeoffset(3), PRIMARY KEY ([region], [id_no]));
DROP TABLE IF EXISTS [#bh_present];
CREATE TABLE [#bh_present] ([region] int NOT NULL, [id_no] varchar(72) COLLATE Latin1_General_100_BIN2_UTF8 NOT NULL, PRIMARY KEY ([region], [id_no]));

-- effects.clear
-- nothing;

-- effects.note_present
INSERT INTO [#bh_present] ([region], [id_no])
SELECT t.[region], t.[id_no]
FROM [population] t
JOIN [#bh_incoming] i ON t.[region] = i.[region] AND t.[id_no] = i.[id_no] COLLATE Latin1_General_100_BIN2_UTF8;

-- effects.lines
SELECT i.[bh_op], CASE WHEN p.[region] IS NULL THEN 0 ELSE 1 END AS [bh_before], CASE WHEN t.[region] IS NULL THEN 0 ELSE 1 END AS [bh_after],
CASE WHEN t.[region] IS NULL THEN CAST(coalesce(CONVERT(varchar(20), i.[region]), '\N') AS nvarchar(max)) + N'<TAB>' + coalesce(REPLACE(REPLACE(CONVERT(nvarchar(max), i.[id_no]), '\', '\\'), '<TAB>', '\t'), '\N') + N'<TAB>\D' ELSE CAST(coalesce(CONVERT(varchar(20), t.[region]), '\N') AS nvarchar(max)) + N'<TAB>' + coalesce(REPLACE(REPLACE(CONVERT(nvarchar(max), t.[id_no]), '\', '\\'), '<TAB>', '\t'), '\N') + N'<TAB>' + coalesce(REPLACE(REPLACE(CONVERT(nvarchar(max), t.[姓名]), '\', '\\'), '<TAB>', '\t'), '\N') + N'<TAB>' + coalesce(CASE WHEN CONVERT(varchar(41), CAST(t.[100%] AS decimal(5,2))) LIKE '%.%' THEN REPLACE(REPLACE(REPLACE(RTRIM(REPLACE(CONVERT(varchar(41), CAST(t.[100%] AS decimal(5,2))), '0', ' ')), ' ', '0') + '|', '.|', ''), '|', '') ELSE CONVERT(varchar(41), CAST(t.[100%] AS decimal(5,2))) END, '\N') + N'<TAB>' + coalesce('\F' + CONVERT(varchar(30), t.[ratio], 3), '\N') + N'<TAB>' + coalesce(CASE t.[alive] WHEN 1 THEN 'true' WHEN 0 THEN 'false' END, '\N') + N'<TAB>' + coalesce(CONVERT(varchar(10), t.[born], 23), '\N') + N'<TAB>' + coalesce(LOWER(CONVERT(varchar(max), t.[photo], 2)), '\N') + N'<TAB>' + coalesce(LOWER(CONVERT(varchar(36), t.[tag])), '\N') + N'<TAB>' + coalesce(REPLACE(REPLACE(CONVERT(nvarchar(max), t.[more]), '\', '\\'), '<TAB>', '\t'), '\N') + N'<TAB>' + coalesce(REPLACE(CASE WHEN REPLACE(CONVERT(varchar(27), CAST(SWITCHOFFSET(t.[seen], '+00:00') AS datetime2(3)), 121), ' ', 'T') LIKE '%.%' THEN REPLACE(REPLACE(REPLACE(RTRIM(REPLACE(REPLACE(CONVERT(varchar(27), CAST(SWITCHOFFSET(t.[seen], '+00:00') AS datetime2(3)), 121), ' ', 'T'), '0', ' ')), ' ', '0') + '|', '.|', ''), '|', '') ELSE REPLACE(CONVERT(varchar(27), CAST(SWITCHOFFSET(t.[seen], '+00:00') AS datetime2(3)), 121), ' ', 'T') END, 'T', ' ') + '+00', '\N') END AS line
FROM [#bh_incoming] i
LEFT JOIN [#bh_present] p ON p.[region] = i.[region] AND p.[id_no] = i.[id_no]
LEFT JOIN [population] t ON t.[region] = i.[region] AND t.[id_no] = i.[id_no] COLLATE Latin1_General_100_BIN2_UTF8;

-- effects.lines, digested
SELECT [bh_op], [bh_before], [bh_after], line
FROM (SELECT i.[bh_op], CASE WHEN p.[region] IS NULL THEN 0 ELSE 1 END AS [bh_before], CASE WHEN t.[region] IS NULL THEN 0 ELSE 1 END AS [bh_after],
CASE WHEN t.[region] IS NULL THEN CAST(coalesce(CONVERT(varchar(20), i.[region]), '\N') AS nvarchar(max)) + N'<TAB>' + coalesce(REPLACE(REPLACE(CONVERT(nvarchar(max), i.[id_no]), '\', '\\'), '<TAB>', '\t'), '\N') + N'<TAB>\D' ELSE CAST(coalesce(CONVERT(varchar(20), t.[region]), '\N') AS nvarchar(max)) + N'<TAB>' + coalesce(REPLACE(REPLACE(CONVERT(nvarchar(max), t.[id_no]), '\', '\\'), '<TAB>', '\t'), '\N') + N'<TAB>' + coalesce(REPLACE(REPLACE(CONVERT(nvarchar(max), t.[姓名]), '\', '\\'), '<TAB>', '\t'), '\N') + N'<TAB>' + coalesce(CASE WHEN CONVERT(varchar(41), CAST(t.[100%] AS decimal(5,2))) LIKE '%.%' THEN REPLACE(REPLACE(REPLACE(RTRIM(REPLACE(CONVERT(varchar(41), CAST(t.[100%] AS decimal(5,2))), '0', ' ')), ' ', '0') + '|', '.|', ''), '|', '') ELSE CONVERT(varchar(41), CAST(t.[100%] AS decimal(5,2))) END, '\N') + N'<TAB>' + coalesce('\F' + CONVERT(varchar(30), t.[ratio], 3), '\N') + N'<TAB>' + coalesce(CASE t.[alive] WHEN 1 THEN 'true' WHEN 0 THEN 'false' END, '\N') + N'<TAB>' + coalesce(CONVERT(varchar(10), t.[born], 23), '\N') + N'<TAB>' + coalesce(LOWER(CONVERT(varchar(max), t.[photo], 2)), '\N') + N'<TAB>' + coalesce(LOWER(CONVERT(varchar(36), t.[tag])), '\N') + N'<TAB>' + coalesce(REPLACE(REPLACE(CONVERT(nvarchar(max), t.[more]), '\', '\\'), '<TAB>', '\t'), '\N') + N'<TAB>' + coalesce(REPLACE(CASE WHEN REPLACE(CONVERT(varchar(27), CAST(SWITCHOFFSET(t.[seen], '+00:00') AS datetime2(3)), 121), ' ', 'T') LIKE '%.%' THEN REPLACE(REPLACE(REPLACE(RTRIM(REPLACE(REPLACE(CONVERT(varchar(27), CAST(SWITCHOFFSET(t.[seen], '+00:00') AS datetime2(3)), 121), ' ', 'T'), '0', ' ')), ' ', '0') + '|', '.|', ''), '|', '') ELSE REPLACE(CONVERT(varchar(27), CAST(SWITCHOFFSET(t.[seen], '+00:00') AS datetime2(3)), 121), ' ', 'T') END, 'T', ' ') + '+00', '\N') END AS line
FROM [#bh_incoming] i
LEFT JOIN [#bh_present] p ON p.[region] = i.[region] AND p.[id_no] = i.[id_no]
LEFT JOIN [population] t ON t.[region] = i.[region] AND t.[id_no] = i.[id_no] COLLATE Latin1_General_100_BIN2_UTF8) l;

-- effects.count_present
SELECT count(*) FROM [#bh_present];

-- effects.count_after
SELECT count(*), count(p.[region])
FROM [#bh_incoming] i
JOIN [population] t ON t.[region] = i.[region] AND t.[id_no] = i.[id_no] COLLATE Latin1_General_100_BIN2_UTF8
LEFT JOIN [#bh_present] p ON p.[region] = i.[region] AND p.[id_no] = i.[id_no];

-- effects.count_range
SELECT count(*)
FROM [population]
WHERE (([region] > CAST(? AS int)) OR ([region] = CAST(? AS int) AND [id_no] > CAST(? COLLATE Latin1_General_100_BIN2_UTF8 AS varchar(8000)))) AND (([region] < CAST(? AS int)) OR ([region] = CAST(? AS int) AND [id_no] <= CAST(? COLLATE Latin1_General_100_BIN2_UTF8 AS varchar(8000))));
-- values: '1', '1', 'a', '2', '2', 'b'

-- effects.delete_others
DELETE t
FROM [population] AS t
WHERE ((t.[region] > CAST(? AS int)) OR (t.[region] = CAST(? AS int) AND t.[id_no] > CAST(? COLLATE Latin1_General_100_BIN2_UTF8 AS varchar(8000)))) AND ((t.[region] < CAST(? AS int)) OR (t.[region] = CAST(? AS int) AND t.[id_no] <= CAST(? COLLATE Latin1_General_100_BIN2_UTF8 AS varchar(8000)))) AND NOT EXISTS (SELECT 1 FROM [#bh_incoming] i WHERE t.[region] = i.[region] AND t.[id_no] = i.[id_no] COLLATE Latin1_General_100_BIN2_UTF8);
-- values: '1', '1', 'a', '2', '2', 'b'

-- effects.range_lines
SELECT CAST(coalesce(CONVERT(varchar(20), [region]), '\N') AS nvarchar(max)) + N'<TAB>' + coalesce(REPLACE(REPLACE(CONVERT(nvarchar(max), [id_no]), '\', '\\'), '<TAB>', '\t'), '\N') + N'<TAB>' + coalesce(REPLACE(REPLACE(CONVERT(nvarchar(max), [姓名]), '\', '\\'), '<TAB>', '\t'), '\N') + N'<TAB>' + coalesce(CASE WHEN CONVERT(varchar(41), CAST([100%] AS decimal(5,2))) LIKE '%.%' THEN REPLACE(REPLACE(REPLACE(RTRIM(REPLACE(CONVERT(varchar(41), CAST([100%] AS decimal(5,2))), '0', ' ')), ' ', '0') + '|', '.|', ''), '|', '') ELSE CONVERT(varchar(41), CAST([100%] AS decimal(5,2))) END, '\N') + N'<TAB>' + coalesce('\F' + CONVERT(varchar(30), [ratio], 3), '\N') + N'<TAB>' + coalesce(CASE [alive] WHEN 1 THEN 'true' WHEN 0 THEN 'false' END, '\N') + N'<TAB>' + coalesce(CONVERT(varchar(10), [born], 23), '\N') + N'<TAB>' + coalesce(LOWER(CONVERT(varchar(max), [photo], 2)), '\N') + N'<TAB>' + coalesce(LOWER(CONVERT(varchar(36), [tag])), '\N') + N'<TAB>' + coalesce(REPLACE(REPLACE(CONVERT(nvarchar(max), [more]), '\', '\\'), '<TAB>', '\t'), '\N') + N'<TAB>' + coalesce(REPLACE(CASE WHEN REPLACE(CONVERT(varchar(27), CAST(SWITCHOFFSET([seen], '+00:00') AS datetime2(3)), 121), ' ', 'T') LIKE '%.%' THEN REPLACE(REPLACE(REPLACE(RTRIM(REPLACE(REPLACE(CONVERT(varchar(27), CAST(SWITCHOFFSET([seen], '+00:00') AS datetime2(3)), 121), ' ', 'T'), '0', ' ')), ' ', '0') + '|', '.|', ''), '|', '') ELSE REPLACE(CONVERT(varchar(27), CAST(SWITCHOFFSET([seen], '+00:00') AS datetime2(3)), 121), ' ', 'T') END, 'T', ' ') + '+00', '\N') AS line
FROM [population]
WHERE (([region] > CAST(? AS int)) OR ([region] = CAST(? AS int) AND [id_no] > CAST(? COLLATE Latin1_General_100_BIN2_UTF8 AS varchar(8000)))) AND (([region] < CAST(? AS int)) OR ([region] = CAST(? AS int) AND [id_no] <= CAST(? COLLATE Latin1_General_100_BIN2_UTF8 AS varchar(8000))));
-- values: '1', '1', 'a', '2', '2', 'b'

-- effects.keyed_lines
SELECT CONVERT(varchar(20), [region]) AS [bh_0], CONVERT(nvarchar(max), [id_no]) AS [bh_1], CAST(coalesce(CONVERT(varchar(20), [region]), '\N') AS nvarchar(max)) + N'<TAB>' + coalesce(REPLACE(REPLACE(CONVERT(nvarchar(max), [id_no]), '\', '\\'), '<TAB>', '\t'), '\N') + N'<TAB>' + coalesce(REPLACE(REPLACE(CONVERT(nvarchar(max), [姓名]), '\', '\\'), '<TAB>', '\t'), '\N') + N'<TAB>' + coalesce(CASE WHEN CONVERT(varchar(41), CAST([100%] AS decimal(5,2))) LIKE '%.%' THEN REPLACE(REPLACE(REPLACE(RTRIM(REPLACE(CONVERT(varchar(41), CAST([100%] AS decimal(5,2))), '0', ' ')), ' ', '0') + '|', '.|', ''), '|', '') ELSE CONVERT(varchar(41), CAST([100%] AS decimal(5,2))) END, '\N') + N'<TAB>' + coalesce('\F' + CONVERT(varchar(30), [ratio], 3), '\N') + N'<TAB>' + coalesce(CASE [alive] WHEN 1 THEN 'true' WHEN 0 THEN 'false' END, '\N') + N'<TAB>' + coalesce(CONVERT(varchar(10), [born], 23), '\N') + N'<TAB>' + coalesce(LOWER(CONVERT(varchar(max), [photo], 2)), '\N') + N'<TAB>' + coalesce(LOWER(CONVERT(varchar(36), [tag])), '\N') + N'<TAB>' + coalesce(REPLACE(REPLACE(CONVERT(nvarchar(max), [more]), '\', '\\'), '<TAB>', '\t'), '\N') + N'<TAB>' + coalesce(REPLACE(CASE WHEN REPLACE(CONVERT(varchar(27), CAST(SWITCHOFFSET([seen], '+00:00') AS datetime2(3)), 121), ' ', 'T') LIKE '%.%' THEN REPLACE(REPLACE(REPLACE(RTRIM(REPLACE(REPLACE(CONVERT(varchar(27), CAST(SWITCHOFFSET([seen], '+00:00') AS datetime2(3)), 121), ' ', 'T'), '0', ' ')), ' ', '0') + '|', '.|', ''), '|', '') ELSE REPLACE(CONVERT(varchar(27), CAST(SWITCHOFFSET([seen], '+00:00') AS datetime2(3)), 121), ' ', 'T') END, 'T', ' ') + '+00', '\N') AS line
FROM [population]
WHERE (([region] > CAST(? AS int)) OR ([region] = CAST(? AS int) AND [id_no] > CAST(? COLLATE Latin1_General_100_BIN2_UTF8 AS varchar(8000)))) AND (([region] < CAST(? AS int)) OR ([region] = CAST(? AS int) AND [id_no] <= CAST(? COLLATE Latin1_General_100_BIN2_UTF8 AS varchar(8000))));
-- values: '1', '1', 'a', '2', '2', 'b'

-- effects.key_at
SELECT CONVERT(varchar(20), k.[region]), CONVERT(nvarchar(max), k.[id_no])
FROM [population] k
WHERE ((k.[region] > CAST(? AS int)) OR (k.[region] = CAST(? AS int) AND k.[id_no] > CAST(? COLLATE Latin1_General_100_BIN2_UTF8 AS varchar(8000)))) AND ((k.[region] < CAST(? AS int)) OR (k.[region] = CAST(? AS int) AND k.[id_no] <= CAST(? COLLATE Latin1_General_100_BIN2_UTF8 AS varchar(8000))))
ORDER BY k.[region], k.[id_no]
OFFSET 1000 ROWS FETCH NEXT 1 ROWS ONLY;
-- values: '1', '1', 'a', '2', '2', 'b'

-- selection.select
SELECT CONVERT(varchar(20), [region]) AS bh_0, CONVERT(nvarchar(max), [id_no]) AS bh_1, CONVERT(nvarchar(max), [姓名]) AS bh_2, CASE WHEN CONVERT(varchar(41), CAST([100%] AS decimal(5,2))) LIKE '%.%' THEN REPLACE(REPLACE(REPLACE(RTRIM(REPLACE(CONVERT(varchar(41), CAST([100%] AS decimal(5,2))), '0', ' ')), ' ', '0') + '|', '.|', ''), '|', '') ELSE CONVERT(varchar(41), CAST([100%] AS decimal(5,2))) END AS bh_3, CONVERT(varchar(30), [ratio], 3) AS bh_4, CASE [alive] WHEN 1 THEN 'true' WHEN 0 THEN 'false' END AS bh_5, CONVERT(varchar(10), [born], 23) AS bh_6, LOWER(CONVERT(varchar(max), [photo], 2)) AS bh_7, LOWER(CONVERT(varchar(36), [tag])) AS bh_8, CONVERT(nvarchar(max), [more]) AS bh_9, REPLACE(CASE WHEN REPLACE(CONVERT(varchar(27), CAST(SWITCHOFFSET([seen], '+00:00') AS datetime2(3)), 121), ' ', 'T') LIKE '%.%' THEN REPLACE(REPLACE(REPLACE(RTRIM(REPLACE(REPLACE(CONVERT(varchar(27), CAST(SWITCHOFFSET([seen], '+00:00') AS datetime2(3)), 121), ' ', 'T'), '0', ' ')), ' ', '0') + '|', '.|', ''), '|', '') ELSE REPLACE(CONVERT(varchar(27), CAST(SWITCHOFFSET([seen], '+00:00') AS datetime2(3)), 121), ' ', 'T') END, 'T', ' ') + '+00' AS bh_10
FROM [population]
WHERE (([region] > CAST(? AS int)) OR ([region] = CAST(? AS int) AND [id_no] > CAST(? COLLATE Latin1_General_100_BIN2_UTF8 AS varchar(8000)))) AND (([region] < CAST(? AS int)) OR ([region] = CAST(? AS int) AND [id_no] <= CAST(? COLLATE Latin1_General_100_BIN2_UTF8 AS varchar(8000)))) AND (([region] = CAST(? AS int) AND [id_no] = CAST(? COLLATE Latin1_General_100_BIN2_UTF8 AS varchar(8000)))) AND 1 = 1 AND [alive] IS NOT NULL
ORDER BY [region], [id_no];
-- values: '1', '1', 'a', '2', '2', 'b', '1', 'a'

-- dialect.by_chance
-- nothing;

-- dialect.analyze
-- nothing;
