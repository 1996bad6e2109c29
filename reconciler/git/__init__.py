"""Git as we use it: read a commit, write trees and commits, fetch and push with compare-and-swap.

Knows `model` and `errors` alone. No work tree on the hot path and no `git` process per file. Must not know what a manifest means.
Everything here is synchronous (call it in a thread); one `Repository` belongs to one thread at a time.

    repository.open_repository(path)                                    an open repository
    writer.write_render(repository, tree, previous=, facts=CommitFacts(...), writer=TreeWriter())  -> Written(.commit)
    writer.write_files / write_changes(repository, files, previous=, facts=, replace_tip=)         status, reports
    branches.project_clusters(repository, commit, releases=, tips=, branches=)   -> Projection(.updates, .foreign)
    references.update_references(repository, [RefUpdate(name=, old=, new=)])     local compare-and-swap, all or none
    reader.read_previous / read_tip / read_trailers                     what machine branches hold, as bytes
    branches.check_local_names / check_names / check_tip                refusals at start, ForeignCommit
"""
