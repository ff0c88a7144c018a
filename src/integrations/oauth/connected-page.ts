/** The pages after HubSpot's: success and failure. Nothing from the request appears unescaped. */
import { htmlPage } from '../../api/html-page.ts'

/** @param hubId digits only; the route's schema ensures that */
export const connectedPage = (hubId: string): string =>
  htmlPage(
    'HubSpot is connected',
    `Account ${hubId} is connected and its tickets are being synced. You can close this tab.`,
    '✓',
  )

const causes: Record<string, string> = {
  oauth_denied: 'HubSpot did not grant access. Start again and choose “Connect app” on HubSpot’s page.',
  invalid_state:
    'This link has already been used or is older than ten minutes. Start again from where you clicked “Connect”.',
  hub_changed:
    'You chose a different HubSpot account from the one connected before. Start again and choose the same account.',
  forged_request:
    'The form was not submitted from our own page. Start again from where you clicked “Connect”.',
  missing_scopes:
    'HubSpot did not grant all required permissions. Start again and grant every permission requested.',
  hubspot_forbidden:
    'HubSpot refused access for this account or user. Ask an administrator of the HubSpot account, then start again.',
}

/** @param code one of our codes, never HubSpot's text */
export const failedPage = (code: string): string =>
  htmlPage(
    'HubSpot is not connected',
    causes[code] ?? 'HubSpot refused the request or could not be reached. Please start again in a minute.',
    '✕',
  )
