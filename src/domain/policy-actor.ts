/** Who pauses repositories in the policy's name. No person is called so: names of people have no colon. */
export const POLICY_ACTOR = 'autodev:policy';
