"""Git as we use it: read a commit, write trees and commits, fetch and push with compare-and-swap.

Knows `model` and `errors` alone. No work tree on the hot path, no `git` process per file. Must not know what a manifest
means. Everything is synchronous (call it in a thread); one `Repository` belongs to one thread at a time.

    mirror.open_mirror(data) / repository.open_repository(path)         our cache / anybody's repository
    remote.remote_for(urls, role, cluster=, credentials=, laptop=)      an address with its credential and limits
    remote.fetch(repository, remote, ["main", "reconciler/report/*"])   branch name to commit
    remote.check_remote_names, branches.check_local_names, history.check_history     refusals at start and on fetch
    reader.read_previous / read_tip / read_trailers                     what machine branches hold, as bytes
    writer.write_render(repository, tree, previous=, facts=CommitFacts(...), writer=TreeWriter())  -> Written
    writer.write_files / write_changes(..., replace_tip=)               status; reports and their heartbeat
    branches.project_clusters(repository, commit, releases=, tips=, branches=)   -> Projection(.updates, .foreign)
    remote.publish(repository, (remote, truth), projections) / remote.push       to remotes: LostRace, PushRejected
    references.update_references(repository, [RefUpdate(...)])          without a remote: the same, locally
    signatures.SshSigner, signatures.require_signature                  signed commits
    maintenance.maintain(repository)                                    now and then, off the hot path, on a mirror
"""
