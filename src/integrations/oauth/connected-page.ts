/** The two small pages that a person sees after HubSpot's own. Nothing on them comes from the request unescaped. */
import { page } from '../../api/html-page.ts'

/** @param hubId digits only; the route's schema has seen to that */
export const connectedPage = (hubId: string): string =>
  page(
    'HubSpot is connected',
    `Account ${hubId} is connected and its tickets are being synced. You can close this tab.`,
    '✓',
  )

const causes: Record<string, string> = {
  oauth_denied: 'HubSpot did not give access. Start again and choose “Connect app” on HubSpot’s page.',
  invalid_state:
    'This link was used before, or is older than ten minutes. Start again from where you clicked “Connect”.',
  portal_changed:
    'You chose another HubSpot account than the one connected before. Start again and choose the same one.',
  forged_request: 'The button was not pressed on our own page. Start again from where you clicked “Connect”.',
  missing_scopes:
    'HubSpot did not grant everything that is needed. Start again and grant everything that is asked for.',
  hubspot_forbidden:
    'HubSpot refuses this account or this person. Ask an administrator of the HubSpot account, then start again.',
}

/** @param code of ours, never text of HubSpot's */
export const failedPage = (code: string): string =>
  page(
    'HubSpot is not connected',
    causes[code] ?? 'HubSpot could not be reached or refused. Please start again in a minute.',
    '✕',
  )
