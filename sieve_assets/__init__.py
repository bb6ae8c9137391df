"""Names what the neurons of a network respond to, and tests each name by experiment.

Where to look (each line may import what stands below it, never above):

    definitions    the code location Dagster loads; no logic
    cli            `sieve check`, `sieve stale`, `sieve demo`, …
    results        a study's results as frames for notebooks, read-only; without Dagster or torch
    assets/        one asset a stage: reads, calls, writes, reports; partitions, resources, checks;
                   what is stale and why; plans; jobs, schedules, sensor
    stores/        where results lie: tables in DuckDB, pictures and arrays by content hash
    models/        networks under study, vision-language model, generator, behind three Protocols
    terrarium/     the embedded world: its renderer, its ground truth, the training of its models
    method/        the method, one module a stage: plain functions of arrays
    study          what sieve.toml can say: settings and their defaults, each with its source;
                   study_file reads one, study_edits changes one, study_values and
                   study_problems refuse a bad one; settings_hash tells settings apart

A stage has one name: its asset, its table, its method module and their tests all carry it.
"""
