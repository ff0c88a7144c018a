/** The ticket properties known in advance; `catalog.ts` adds all others that an account has. */

/** Never left out: without them a ticket cannot be stored, or the ticket that it replaced stays. */
export const versionProperties: readonly string[] = [
  'hs_object_id',
  'hs_lastmodifieddate',
  'createdate',
  'hs_merged_object_ids',
]

/** Always requested: an issue's columns, its version, and which tickets it replaced. */
export const neededProperties = [
  ...versionProperties,
  'subject',
  'content',
  'hs_pipeline',
  'hs_pipeline_stage',
  'hs_ticket_priority',
  'hs_ticket_category',
  'hubspot_owner_id',
] as const

/**
 * Requested when HubSpot does not let us read an account's properties; undefined ones are silently
 * absent.
 */
export const ticketProperties = [
  ...neededProperties,
  'hubspot_team_id',
  'closed_date',
  'time_to_close',
  'first_agent_reply_date',
  'time_to_first_agent_reply',
  'source_type',
  'hs_resolution',
  'hs_is_closed',
  'hs_num_times_contacted',
] as const
