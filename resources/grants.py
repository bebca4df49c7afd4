"""Who may do what in the database: everything that is granted in Hemsil's schemas, and what goes further than a role's own
work. Making the roles and granting them their work is in migrations/.
"""

from collections.abc import Iterator
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from resources.database import ROLES, reaching

OURS = ("marts", "platform", "live", "dagster", "mlflow")
EVERYBODY = "PUBLIC"


class Grant(NamedTuple):
    """`role` may do `may` with `what` of `schema`; PUBLIC is everybody who may connect."""

    role: str
    schema: str
    what: str
    may: str


# Where nothing was granted or revoked yet the list is null, and PostgreSQL's own rule holds: acldefault tells it.
_GRANTS = """
WITH things AS (
    SELECT n.nspname::text AS schema, c.relname::text AS what, coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)) AS acl
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL
    SELECT n.nspname, c.relname || '.' || a.attname, a.attacl
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE a.attacl IS NOT NULL
    UNION ALL
    SELECT n.nspname, p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', coalesce(p.proacl, acldefault('f', p.proowner))
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prorettype <> 'trigger'::regtype
    UNION ALL
    SELECT n.nspname, '(the schema)', coalesce(n.nspacl, acldefault('n', n.nspowner)) FROM pg_namespace n
)
SELECT coalesce(r.rolname, :everybody), t.schema, t.what, string_agg(g.privilege_type, ', ' ORDER BY g.privilege_type)
FROM things t CROSS JOIN LATERAL aclexplode(t.acl) g LEFT JOIN pg_roles r ON r.oid = g.grantee
WHERE t.schema = ANY (:schemas) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
# Who is one of our roles: whatever the role may do, its members may. Who has made a role may, since PostgreSQL 16, only hand it on.
_MEMBERS = """
SELECT m.rolname, g.rolname, m.rolcanlogin FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
WHERE (g.rolname = ANY (:roles) OR m.rolname = ANY (:roles))
  AND (coalesce((to_jsonb(a) ->> 'inherit_option')::boolean, true) OR coalesce((to_jsonb(a) ->> 'set_option')::boolean, true)) ORDER BY 1, 2
"""
_POWERS = """
SELECT rolname, concat_ws(', ', CASE WHEN rolsuper THEN 'superuser' END, CASE WHEN rolcreaterole THEN 'may make roles' END,
                          CASE WHEN rolbypassrls THEN 'passes by row security' END, CASE WHEN rolreplication THEN 'may replicate' END,
                          CASE WHEN rolcanlogin AND rolname = 'hemsil_owner' THEN 'may log in' END)
FROM pg_roles WHERE rolname = ANY (:roles)
"""
_TRIGGERS_OFF = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'live' AND NOT t.tgisinternal AND t.tgenabled <> 'O' GROUP BY 1 ORDER BY 1
"""

# The work of each role, by schema: (what begins so, what may be done); "" is anything in it.
_READS, _RUNS, _ENTERS = {"SELECT"}, {"EXECUTE"}, {"USAGE"}
_SPEAKS = ("opt_out(", "opt_in(", "feedback(", "prefer(")
_SENDS = ("claim(", "confirm(", "give_back(")
_THE_SCHEMA = "(the schema)"


def grants(engine: Engine) -> list[Grant]:
    """Everything that anybody but a thing's owner's superuser may do in Hemsil's schemas, PUBLIC and single columns included,
    and who is a member of Hemsil's roles. Raises DatabaseUnavailable."""
    with reaching(engine), engine.connect() as connection:
        found = _granted(connection)
        members = connection.execute(sa.text(_MEMBERS), {"roles": list(ROLES)}).all()
    return [*found, *(Grant(member, "", f"(all that {group} may)", "member") for member, group, _ in members)]


def excesses(connection: Connection) -> Iterator[tuple[str, str, str]]:
    """(role, what it may besides its own work, statement that takes it away), for Hemsil's roles and for PUBLIC."""
    for role, powers in connection.execute(sa.text(_POWERS), {"roles": list(ROLES)}):
        if powers:
            yield (
                role,
                powers,
                f"ALTER ROLE {role} NOSUPERUSER NOCREATEROLE NOBYPASSRLS NOREPLICATION"
                + (" NOLOGIN" if role == "hemsil_owner" else ""),
            )
    for member, group, can_login in connection.execute(sa.text(_MEMBERS), {"roles": list(ROLES)}):
        if member in ROLES or (group == "hemsil_owner" and can_login):
            yield (
                (member if member in ROLES else group),
                f"{member} may do all that {group} may",
                f"REVOKE {group} FROM {member}",
            )
    for grant in _granted(connection):
        if grant.role in (*ROLES, EVERYBODY) and (too_much := _beyond(grant)):
            yield grant.role, f"{', '.join(sorted(too_much))} on {grant.schema}.{grant.what}", _revoke(grant, too_much)


def ledgers_unguarded(connection: Connection) -> list[str]:
    """Ledgers of which a trigger is off, so that rows can be changed or added beside the chain."""
    return list(connection.scalars(sa.text(_TRIGGERS_OFF)))


def _granted(connection: Connection) -> list[Grant]:
    values = {"schemas": list(OURS), "everybody": EVERYBODY}
    return [Grant(*row) for row in connection.execute(sa.text(_GRANTS), values)]


def _beyond(grant: Grant) -> set[str]:
    given = set(grant.may.split(", "))
    if grant.role == "hemsil_owner" or (grant.role == EVERYBODY and grant.schema == "mlflow" and "(" in grant.what):
        return set()  # MLflow's own functions are its own affair: nobody else may enter its schema
    return given - _work(grant.role, grant.schema, grant.what)


def _work(role: str, schema: str, what: str) -> set[str]:
    """What the role must be able to do."""
    if what == _THE_SCHEMA:
        enters = {"hemsil_writer": ("marts", "platform", "live")}.get(role, ("marts",))
        return _ENTERS if schema in enters and role != EVERYBODY else set()
    match role, schema:
        case "hemsil_marketer", "marts":
            return _READS if "(" not in what else set()
        case "hemsil_web", "marts":
            return _RUNS if what.startswith(_SPEAKS) else set()
        case "hemsil_mailer", "marts":
            return _RUNS if what.startswith(_SENDS) else set()
        case "hemsil_writer", "platform":
            return {"SELECT", "INSERT", "UPDATE", "DELETE", "USAGE"} if "(" not in what else set()
        case "hemsil_writer", "marts" | "live":
            return _RUNS if "(" in what else _READS
    return set()


def _revoke(grant: Grant, too_much: set[str]) -> str:
    powers = ", ".join(sorted(too_much))
    if grant.what == _THE_SCHEMA:
        return f"REVOKE {powers} ON SCHEMA {grant.schema} FROM {grant.role}"
    if "(" in grant.what:
        return f"REVOKE {powers} ON FUNCTION {grant.schema}.{grant.what} FROM {grant.role}"
    table, _, column = grant.what.partition(".")
    return f"REVOKE {f'{powers} ({column})' if column else powers} ON {grant.schema}.{table} FROM {grant.role}"
