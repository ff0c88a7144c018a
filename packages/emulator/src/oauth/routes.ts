// The OAuth paths.
import type { Route } from '../http/router.ts'
import { authorize } from './authorize.ts'
import { introspect, revoke, v1AccessInfo, v1DeleteRefresh, v1RefreshInfo, v1Token } from './introspect.ts'
import { externalInstall, tokenInfo } from './static-tokens.ts'
import { issueToken } from './token.ts'

const VERSION = '{version:v3|2026-03|2026-09}'

export const oauthRoutes: readonly Route[] = [
  { method: 'GET', pattern: '/oauth/authorize', auth: 'none', handle: authorize },
  { method: 'GET', pattern: '/oauth/{hubId:\\d+}/authorize', auth: 'none', handle: authorize },
  { method: 'POST', pattern: `/oauth/${VERSION}/token`, auth: 'none', handle: issueToken },
  { method: 'POST', pattern: `/oauth/${VERSION}/token/introspect`, auth: 'none', handle: introspect },
  { method: 'POST', pattern: `/oauth/${VERSION}/token/revoke`, auth: 'none', handle: revoke },
  { method: 'POST', pattern: '/oauth/v1/token', auth: 'none', handle: v1Token },
  { method: 'GET', pattern: '/oauth/v1/access-tokens/{token}', auth: 'none', handle: v1AccessInfo },
  { method: 'GET', pattern: '/oauth/v1/refresh-tokens/{token}', auth: 'none', handle: v1RefreshInfo },
  { method: 'DELETE', pattern: '/oauth/v1/refresh-tokens/{token}', auth: 'none', handle: v1DeleteRefresh },
  {
    method: 'POST',
    pattern: '/oauth/v2/private-apps/get/access-token-info',
    auth: 'none',
    handle: tokenInfo,
  },
  {
    method: 'DELETE',
    pattern: '/appinstalls/{version:v3|2026-03|2026-09}/external-install',
    auth: 'bearer',
    bucket: 'general',
    scopes: () => ['oauth'],
    handle: externalInstall,
  },
]
