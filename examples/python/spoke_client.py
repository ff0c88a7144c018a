"""A small async client for Spoke: connects a HubSpot account, starts a sync, waits for it and reads the issues.

    pip install httpx
    HUBSPOT_TOKEN=pat-... python3 examples/python/spoke_client.py

SPOKE_URL is http://localhost:8000 unless set, SPOKE_TENANT a new tenant's UUID, SPOKE_ADMIN_KEY the admin key where
Spoke has one. Spoke must be running: `npm start`, or `npm run demo` for one with a HubSpot of its own.
"""

import asyncio
import json
import os
import sys
import uuid

import httpx


class SpokeError(Exception):
    """Spoke said no. `code` is stable and may be acted on; the text is for people."""

    def __init__(self, problem: dict):
        super().__init__(f"{problem.get('error')} ({problem.get('code')}, request {problem.get('request_id')})")
        self.code = problem.get("code")


class Spoke:
    """One tenant's view of Spoke. Use it as an async context manager: it keeps its connections."""

    def __init__(self, base_url: str, tenant_id: str, admin_key: str | None = None):
        headers = {"Authorization": f"Bearer {admin_key}"} if admin_key else {}
        self.tenant_id = tenant_id
        self.http = httpx.AsyncClient(base_url=f"{base_url}/api/hubspot", headers=headers, timeout=30)

    async def __aenter__(self) -> "Spoke":
        return self

    async def __aexit__(self, *_) -> None:
        await self.http.aclose()

    async def _ask(self, method: str, path: str, **parts) -> dict:
        response = await self.http.request(method, path, **parts)
        if response.is_error:
            raise SpokeError(response.json())
        return response.json()

    async def connect(self, access_token: str) -> dict:
        """Connects an account by its token; the same account again renews its integration and keeps the id."""
        return await self._ask("POST", f"/integrations/{self.tenant_id}", json={"access_token": access_token})

    async def status(self, integration_id: str) -> dict:
        return await self._ask("GET", f"/status/{self.tenant_id}/{integration_id}")

    async def tickets(self, integration_id: str, limit: int = 50) -> dict:
        """Live from HubSpot."""
        return await self._ask("GET", f"/tickets/{self.tenant_id}/{integration_id}", params={"limit": limit})

    async def start_sync(self, integration_id: str, sync_type: str = "full") -> str:
        """Gives the id of the run: a new one, or the one of this type that is under way."""
        path = f"/sync/{self.tenant_id}/{integration_id}"
        return (await self._ask("POST", path, json={"sync_type": sync_type}))["sync_event_id"]

    async def follow(self, integration_id: str, sync_event_id: str):
        """Yields the state of a run each time it changes, until it has ended."""
        path = f"/sync/{self.tenant_id}/{integration_id}/{sync_event_id}/events"
        async with self.http.stream("GET", path) as response:
            if response.is_error:
                raise SpokeError(json.loads(await response.aread()))
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))

    async def issues(self):
        """Yields every synced issue of the tenant: our copy, which HubSpot is not asked for."""
        after = {}
        while True:
            page = await self._ask("GET", f"/issues/{self.tenant_id}", params={"limit": 200, **after})
            for issue in page["issues"]:
                yield issue
            if page["next_after"] is None:
                return
            after = {"after": page["next_after"]}


async def main() -> None:
    base_url = os.environ.get("SPOKE_URL", "http://localhost:8000")
    tenant_id = os.environ.get("SPOKE_TENANT") or str(uuid.uuid4())
    token = os.environ.get("HUBSPOT_TOKEN")
    if not token:
        sys.exit("set HUBSPOT_TOKEN to an access token of your HubSpot account")

    async with Spoke(base_url, tenant_id, os.environ.get("SPOKE_ADMIN_KEY")) as spoke:
        integration = await spoke.connect(token)
        integration_id = integration["integration_id"]
        print(f"connected: tenant {tenant_id}, integration {integration_id}, account {integration['hub_id']}")

        status = await spoke.status(integration_id)
        print(f"status: {'connected' if status['connected'] else status['error']}")

        live = await spoke.tickets(integration_id, limit=3)
        print(f"tickets at HubSpot: {live['total_count']}")
        for ticket in live["tickets"]:
            print(f"  #{ticket['id']} {ticket['properties'].get('subject')}")

        run = {}
        sync_event_id = await spoke.start_sync(integration_id, "full")
        async for run in spoke.follow(integration_id, sync_event_id):
            print(f"sync: {run['state']}, {run['done']} of {run['total']}")
        if run.get("state") != "succeeded":
            sys.exit(f"the sync did not succeed: {run.get('error')}")

        count = 0
        async for _ in spoke.issues():
            count += 1
        print(f"issues here: {count}")


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (SpokeError, httpx.HTTPError) as error:
        sys.exit(f"spoke: {error}")
