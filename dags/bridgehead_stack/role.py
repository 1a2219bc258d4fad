"""Who may do what (三员分立): three roles, each without the others' rights.

No login has Airflow's own Admin role. Nobody may delete a run: they are evidence.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ROLES", "TITLES"]

_READ, _EDIT, _CREATE, _DELETE, _MENU = (
    "can_read",
    "can_edit",
    "can_create",
    "can_delete",
    "menu_access",
)

_OWN: Mapping[str, tuple[str, ...]] = {
    "Website": (_READ,),
    "My Password": (_READ, _EDIT),
    "My Profile": (_READ, _EDIT),
}

# What the runs did. Navigation to Bridgehead's own pages needs Plugins.
_LOOK: Mapping[str, tuple[str, ...]] = {
    **_OWN,
    "Asset Aliases": (_READ,),
    "Assets": (_READ,),
    "Backfills": (_READ,),
    "Browse": (_MENU,),
    "Cluster Activity": (_READ, _MENU),
    "DAG Code": (_READ,),
    "DAG Dependencies": (_READ, _MENU),
    "DAG Runs": (_READ, _MENU),
    "DAG Versions": (_READ,),
    "DAG Warnings": (_READ,),
    "DAGs": (_READ, _MENU),
    "Docs": (_MENU,),
    "ImportError": (_READ,),
    "All Import Errors": (_READ,),
    "HITL Detail": (_READ,),
    "Jobs": (_READ, _MENU),
    "Plugins": (_READ,),
    "Pools": (_READ,),
    "Task Instances": (_READ, _MENU),
    "Task Logs": (_READ,),
    "XComs": (_READ, _MENU),
}

_ACT: Mapping[str, tuple[str, ...]] = {
    **_LOOK,
    "Admin": (_MENU,),
    "All Reparses": (_READ,),
    "DAG Runs": (_READ, _CREATE, _EDIT, _MENU),
    "DAGs": (_READ, _EDIT, _MENU),
    "Pools": (_READ, _CREATE, _EDIT, _MENU),
    "Task Instances": (_READ, _CREATE, _EDIT, _MENU),
}

_ACCOUNTS: Mapping[str, tuple[str, ...]] = {
    **_OWN,
    "List Roles": (_MENU,),
    "List Users": (_MENU,),
    "Passwords": (_READ, _EDIT),
    "Roles": (_READ,),
    "Security": (_MENU,),
    "Users": (_READ, _CREATE, _EDIT, _DELETE),
}

_AUDIT: Mapping[str, tuple[str, ...]] = {
    **_LOOK,
    "All Audit Logs": (_READ,),
    "Audit Logs": (_READ, _MENU),
}

ROLES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "operator": _ACT,
    "security": _ACCOUNTS,
    "auditor": _AUDIT,
}
"""By role: what may be done with each of Airflow's resources."""

TITLES = {"operator": "系统管理员", "security": "安全管理员", "auditor": "安全审计员"}
