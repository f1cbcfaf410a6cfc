"""Files that ship with the library; NOTICE.md names their origins and licences."""
