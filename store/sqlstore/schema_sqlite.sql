-- Version 1: facts, the customer table that is derived from them, and grants.

CREATE TABLE alexa_schema (
    version INTEGER NOT NULL PRIMARY KEY CHECK (version > 0) -- one row for each version applied
) STRICT;

INSERT INTO alexa_schema (version) VALUES (1);

-- One row for each fact. The key is the whole fact, so inserting one twice is
-- inserting it once, and it leads with the user, so a user's facts lie together.
CREATE TABLE alexa_facts (
    amazon_user_id TEXT    NOT NULL,
    skill_id       TEXT    NOT NULL,
    at             INTEGER NOT NULL, -- milliseconds since 1970-01-01T00:00:00Z
    kind           INTEGER NOT NULL, -- 1 enabled, 2 seen, 3 linked, 4 disabled
    account_id     TEXT    NOT NULL, -- '' unless linked to a known account
    id             TEXT    NOT NULL, -- the ID of the record that the fact would open
    PRIMARY KEY (amazon_user_id, skill_id, at, kind, account_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX alexa_facts_account ON alexa_facts (account_id) WHERE account_id <> '';

-- One row for each grant. Times are milliseconds since 1970-01-01T00:00:00Z, NULL
-- where there is none.
CREATE TABLE alexa_grants (
    account_id    TEXT    NOT NULL,
    client_id     TEXT    NOT NULL,
    link_id       TEXT    NOT NULL,
    region        TEXT    NOT NULL,
    access_token  TEXT    NOT NULL,
    refresh_token TEXT    NOT NULL,
    issued_at     INTEGER,
    expiry        INTEGER,
    confirmed_at  INTEGER,
    refused       TEXT    NOT NULL,
    code_hash     TEXT    NOT NULL,
    revision      INTEGER NOT NULL, -- another random number after each update
    PRIMARY KEY (account_id, client_id, link_id)
) STRICT;
