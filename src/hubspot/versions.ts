/**
 * HubSpot's dated API versions, one per family. 2026-09 is current; where it lacks a path, 2026-03 stands here.
 * OAuth v1 is never called: it ends on 2027-02-16, and it puts tokens into URLs.
 */
export const paths = {
  token: '/oauth/2026-09/token',
  /** The one specification of 2026-09 that we have does not know `client_credentials`; 2026-03's does. */
  appToken: '/oauth/2026-03/token',
  /** As of 2026-03, whose specification of it we have. */
  journal: '/webhooks-journal/journal/2026-03',
  journalSubscriptions: '/webhooks-journal/subscriptions/2026-03',
  appWebhooks: (appId: number) => `/app-webhooks/2026-09/${appId}`,
  introspect: '/oauth/2026-09/token/introspect',
  revoke: '/oauth/2026-09/token/revoke',
  /** Undated; the only way to ask about private-app tokens and service keys. */
  tokenInfo: '/oauth/v2/private-apps/get/access-token-info',
  accountInfo: '/account-info/2026-09/details',
  objects: (objectPath: string) => `/crm/objects/2026-09/${objectPath}`,
  properties: (objectPath: string) => `/crm/properties/2026-09/${objectPath}`,
  pipelines: (objectPath: string) => `/crm/pipelines/2026-09/${objectPath}`,
  owners: '/crm/owners/2026-09',
  associations: (fromPath: string, toPath: string) =>
    `/crm/associations/2026-09/${fromPath}/${toPath}/batch/read`,
  /** As of 2026-03: the one specification of 2026-09 that we have lacks it. */
  associationsOf: (fromPath: string, id: string, toPath: string) =>
    `/crm/objects/2026-03/${fromPath}/${encodeURIComponent(id)}/associations/${toPath}`,
} as const
