-- The customer table that Amazon recommends, one row for each record: what
-- identity.Records makes of the facts. It reads alexa_facts by its key alone, so
-- a condition on AmazonUserID touches that user's facts and no others.
CREATE VIEW alexa_customers (ID, AmazonUserID, AccountID, StartDatetime, EndDatetime, SkillID, EnabledAt) AS
WITH
-- The facts that count: of several links at one instant only the last does.
facts AS NOT MATERIALIZED (
    SELECT * FROM alexa_facts AS this
    WHERE kind <> 3 OR NOT EXISTS (
        SELECT 1 FROM alexa_facts AS f
        WHERE (f.amazon_user_id, f.skill_id, f.at, f.kind) = (this.amazon_user_id, this.skill_id, this.at, 3)
            AND f.account_id > this.account_id)
),
-- Each with the kind of the fact before it, NULL for a user's first, and with the
-- account linked before it, NULL if there was no link since the last disable.
walk AS NOT MATERIALIZED (
    SELECT *,
        (SELECT f.kind FROM facts AS f
            WHERE (f.amazon_user_id, f.skill_id) = (this.amazon_user_id, this.skill_id)
                AND (f.at, f.kind) < (this.at, this.kind)
            ORDER BY f.at DESC, f.kind DESC LIMIT 1) AS previous_kind,
        (SELECT CASE f.kind WHEN 3 THEN f.account_id END FROM facts AS f
            WHERE (f.amazon_user_id, f.skill_id) = (this.amazon_user_id, this.skill_id)
                AND (f.at, f.kind) < (this.at, this.kind) AND f.kind IN (3, 4)
            ORDER BY f.at DESC, f.kind DESC LIMIT 1) AS previous_account
    FROM facts AS this
),
-- A record opens with a user's first fact, with the first after a disable, and
-- with a link to another account. It takes its account from its first link. It
-- ends with a disable or a link to another account.
records AS (
    SELECT *,
        (SELECT CASE f.kind WHEN 3 THEN f.at END FROM facts AS f
            WHERE (f.amazon_user_id, f.skill_id) = (this.amazon_user_id, this.skill_id)
                AND (f.at, f.kind) >= (this.at, this.kind) AND f.kind IN (3, 4)
            ORDER BY f.at, f.kind LIMIT 1) AS linked_at,
        CASE kind WHEN 4 THEN at ELSE (SELECT f.at FROM walk AS f
            WHERE (f.amazon_user_id, f.skill_id) = (this.amazon_user_id, this.skill_id)
                AND (f.at, f.kind) > (this.at, this.kind)
                AND (f.kind = 4 OR f.kind = 3 AND f.previous_account <> f.account_id)
            ORDER BY f.at, f.kind LIMIT 1) END AS ended_at,
        (SELECT CASE WHEN f.kind IN (1, 2) THEN f.at END FROM walk AS f
            WHERE (f.amazon_user_id, f.skill_id) = (this.amazon_user_id, this.skill_id)
                AND (f.at, f.kind) <= (this.at, this.kind)
                AND (f.previous_kind IS NULL OR f.previous_kind = 4)
            ORDER BY f.at DESC, f.kind DESC LIMIT 1) AS enabled_at
    FROM walk AS this
    WHERE previous_kind IS NULL
        OR previous_kind = 4 AND kind <> 4
        OR kind = 3 AND previous_account <> account_id
)
SELECT
    id,
    amazon_user_id,
    nullif((SELECT f.account_id FROM facts AS f
        WHERE (f.amazon_user_id, f.skill_id, f.at, f.kind) = (this.amazon_user_id, this.skill_id, linked_at, 3)), ''),
    time_text(coalesce(linked_at, enabled_at)),
    time_text(ended_at),
    skill_id,
    time_text(enabled_at)
FROM records AS this;
