-- Version 1: facts, the customer table that is derived from them, and grants.

CREATE TABLE alexa_schema (
    version integer PRIMARY KEY CHECK (version > 0) -- one row for each version applied
);

INSERT INTO alexa_schema (version) VALUES (1);

-- One row for each fact. The key is the whole fact, so inserting one twice is
-- inserting it once, and it leads with the user, so a user's facts lie together.
CREATE TABLE alexa_facts (
    amazon_user_id text     COLLATE "C" NOT NULL,
    skill_id       text     COLLATE "C" NOT NULL,
    at             bigint   NOT NULL, -- milliseconds since 1970-01-01T00:00:00Z
    kind           smallint NOT NULL, -- 1 enabled, 2 seen, 3 linked, 4 disabled
    account_id     text     COLLATE "C" NOT NULL, -- '' unless linked to a known account
    id             text     COLLATE "C" NOT NULL, -- the ID of the record that the fact would open
    PRIMARY KEY (amazon_user_id, skill_id, at, kind, account_id)
);

CREATE INDEX alexa_facts_account ON alexa_facts (account_id) WHERE account_id <> '';

-- One row for each grant. Times are milliseconds since 1970-01-01T00:00:00Z, NULL
-- where there is none.
CREATE TABLE alexa_grants (
    account_id    text   COLLATE "C" NOT NULL,
    client_id     text   COLLATE "C" NOT NULL,
    link_id       text   COLLATE "C" NOT NULL,
    region        text   NOT NULL,
    access_token  text   NOT NULL,
    refresh_token text   NOT NULL,
    issued_at     bigint,
    expiry        bigint,
    confirmed_at  bigint,
    refused       text   NOT NULL,
    code_hash     text   NOT NULL,
    revision      bigint NOT NULL, -- another random number after each update
    PRIMARY KEY (account_id, client_id, link_id)
);

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
    replace(to_char(timestamp 'epoch' + coalesce(linked_at, enabled_at) / 1000 * interval '1s' + coalesce(linked_at, enabled_at) % 1000 * interval '1ms',
        'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), '.000Z', 'Z'),
    replace(to_char(timestamp 'epoch' + ended_at / 1000 * interval '1s' + ended_at % 1000 * interval '1ms',
        'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), '.000Z', 'Z'),
    skill_id,
    replace(to_char(timestamp 'epoch' + enabled_at / 1000 * interval '1s' + enabled_at % 1000 * interval '1ms',
        'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), '.000Z', 'Z')
FROM records AS this;
