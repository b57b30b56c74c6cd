"""What can go wrong in storage: one tree, whose docstrings are the messages."""


class StorageError(Exception):
    """Something went wrong in storage."""

    def __init__(self, detail: str = "") -> None:
        reason = (type(self).__doc__ or "").strip()
        super().__init__(f"{reason} ({detail})" if detail else reason)


class StorageUnavailable(StorageError):
    """The database could not take this now: nothing of it was kept, and it may be tried again."""


class NotReached(StorageUnavailable):
    """The database cannot be reached: look at [storage] url, and whether its server runs."""


class DiskFull(StorageUnavailable):
    """The database's disk is full: nothing is kept until there is room again."""


class LeaseLost(StorageError):
    """Another process sends for this account by now."""


class StoreClosed(StorageError):
    """The store is closed."""


class DatabaseInUse(StorageError):
    """Another process writes to this database: stop it first, or give this one a database of its own."""


class NeedsMigration(StorageError):
    """The database holds data in an older form: run `doorstep migrate` first."""


class NewerDatabase(StorageUnavailable):
    """A newer Doorstep has changed the tables of this database: update this one too, and begin it again."""


class KeyFileMissing(StorageError):
    """The key file is missing though the database was made with one: put it back, for without it nobody can be read."""


class KeysMissing(StorageError):
    """The person keys are missing though the database holds people: bring them back, for without nobody can be read."""


class OtherKeys(StorageError):
    """The person keys are another database's, or damaged: put back those that were kept with this one."""


class KeyFileExists(StorageError):
    """There is a key file already: it is never overwritten, for its data would be lost."""


class BadKeyFile(StorageError):
    """The key file is damaged: it does not hold keys of 32 bytes as base64."""


class OldKeyFile(StorageUnavailable):
    """The key file does not fit the person keys: put the one here that `doorstep keys rotate` has written last."""


class WrongKey(StorageError):
    """The key file is not the one this database was made with."""


class KeyDestroyed(StorageError):
    """This person's key is not here: they were forgotten, or restored without the person keys. Nobody can read them."""


class Burned(StorageError):
    """This database was burned: every person's key is destroyed, and nobody in it can be read. Begin anew elsewhere."""


class SealBroken(StorageError):
    """A sealed field does not open: it was damaged, or moved from another row."""


class Suspended(StorageError):
    """A turn may await nothing but its transaction."""


class ReadOnly(StorageError):
    """Only `Store.run` may write; this was `Store.read`."""


class NoDatabase(StorageError):
    """There is no database yet: look at [storage] url, or let `doorstep run` make one."""


class NotEmpty(StorageError):
    """The database holds something already: a backup is restored only into an empty one."""


class NotACopy(StorageError):
    """This file is no backup, or is damaged: nothing was restored."""


class NotAnExport(StorageError):
    """This folder is no export of Doorstep's, or was changed: nothing was imported."""


class OtherVersion(StorageError):
    """The backup is of tables of another version: restore it with the Doorstep that made it, then update."""


class NotOverwritten(StorageError):
    """This file is there already and is no earlier copy: choose another name."""


class NotFound(StorageError):
    """There is no such row."""


class SeenBefore(StorageError):
    """This event was taken already, or is of someone who has been forgotten since: its turn is undone."""


class FirstContactRaced(StorageError):
    """Two first messages of one address came at once: the turn is run again."""
