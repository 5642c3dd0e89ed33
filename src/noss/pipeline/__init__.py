"""VERBS: the data flow, one file a step; files with an underscore are shared by steps and are no verbs."""
