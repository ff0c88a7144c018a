/**
 * HubSpot's dated API versions, one per family. 2026-09 is current; paths that it lacks use
 * 2026-03. OAuth v1 is never called: it ends on 2027-02-16, and it puts tokens into URLs.
 */
export const paths = {
  token: '/oauth/2026-09/token',
  /**
   * The only specification of 2026-09 that we have lacks `client_credentials`; that of 2026-03 has
   * it.
   */
  appToken: '/oauth/2026-03/token',
  /** As of 2026-03, the version whose specification we have. */
  journal: '/webhooks-journal/journal/2026-03',
  journalSubscriptions: '/webhooks-journal/subscriptions/2026-03',
  appWebhooks: (appId: number) => `/app-webhooks/2026-09/${appId}`,
  introspect: '/oauth/2026-09/token/introspect',
  revoke: '/oauth/2026-09/token/revoke',
  /** Undated; the only way to query private-app tokens and service keys. */
  tokenInfo: '/oauth/v2/private-apps/get/access-token-info',
  accountInfo: '/account-info/2026-09/details',
  objects: (objectPath: string) => `/crm/objects/2026-09/${objectPath}`,
  properties: (objectPath: string) => `/crm/properties/2026-09/${objectPath}`,
  pipelines: (objectPath: string) => `/crm/pipelines/2026-09/${objectPath}`,
  owners: '/crm/owners/2026-09',
  associations: (fromPath: string, toPath: string) =>
    `/crm/associations/2026-09/${fromPath}/${toPath}/batch/read`,
  /** As of 2026-03: the only specification of 2026-09 that we have lacks it. */
  associationsOf: (fromPath: string, id: string, toPath: string) =>
    `/crm/objects/2026-03/${fromPath}/${encodeURIComponent(id)}/associations/${toPath}`,
} as const
