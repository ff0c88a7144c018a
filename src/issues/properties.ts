/** Which of a ticket's properties are read: all that the account has, by `catalog.ts`. Here are those known beforehand. */

/** Never left out: without them no ticket can be kept, or the one that it replaced stays. */
export const versionProperties: readonly string[] = [
  'hs_object_id',
  'hs_lastmodifieddate',
  'createdate',
  'hs_merged_object_ids',
]

/** Asked for in any case: an issue's columns, its version, and whom it replaced. */
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

/** Where HubSpot does not let us read what an account has: one that is not defined there is silently absent. */
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
