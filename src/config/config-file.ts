/** The one file that people write, at the top of the repository. */
export const CONFIG_FILE = 'autodev.yaml';
