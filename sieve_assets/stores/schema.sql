-- Every table and view of the warehouse. What the columns mean is stored with them:
--   SELECT table_name, column_name, data_type, comment FROM duckdb_columns() WHERE NOT internal;
-- `model` is a target's name in sieve.toml; `neuron`, `rank`, `place`, `cluster`, `position` and `seed` count from 0.
-- A change of this file that an old warehouse does not fit raises the version.

CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY);
INSERT INTO schema_version VALUES (8);
COMMENT ON TABLE schema_version IS 'One row: the version of this schema. A file of another version is refused';
COMMENT ON COLUMN schema_version.version IS 'Raised whenever an old warehouse does not fit the schema any more';


CREATE TABLE probe_images (
    probe VARCHAR NOT NULL, image_id VARCHAR NOT NULL, position INTEGER NOT NULL, uri VARCHAR NOT NULL, label VARCHAR,
    sha256 VARCHAR NOT NULL, width_px INTEGER NOT NULL, height_px INTEGER NOT NULL, is_held_out BOOLEAN NOT NULL,
    PRIMARY KEY (probe, image_id), UNIQUE (probe, position)
);
COMMENT ON TABLE probe_images IS 'The images the neurons are observed on';
COMMENT ON COLUMN probe_images.probe IS 'Name of the probe set in sieve.toml';
COMMENT ON COLUMN probe_images.image_id IS 'Name of the image within its probe set';
COMMENT ON COLUMN probe_images.position IS 'Place of the image when the probe set is sorted by image_id; activations are stored in this order';
COMMENT ON COLUMN probe_images.uri IS 'Where the image is';
COMMENT ON COLUMN probe_images.label IS 'What the probe set says the image shows, if it says so';
COMMENT ON COLUMN probe_images.sha256 IS 'SHA-256 of the image''s content';
COMMENT ON COLUMN probe_images.width_px IS 'Width as shown, after the orientation noted in the file is applied';
COMMENT ON COLUMN probe_images.height_px IS 'Height as shown, after the orientation noted in the file is applied';
COMMENT ON COLUMN probe_images.is_held_out IS 'Not used to find hypotheses, only to judge them';

CREATE TABLE probe_shards (
    shard_id VARCHAR NOT NULL PRIMARY KEY, uri VARCHAR NOT NULL, n_images INTEGER NOT NULL
);
COMMENT ON TABLE probe_shards IS 'Finished parts of probe passes; a pass that was interrupted goes on after them';
COMMENT ON COLUMN probe_shards.shard_id IS 'SHA-256 over everything the part depends on: weights, images, which are held out';
COMMENT ON COLUMN probe_shards.uri IS 'Array store: activations, and the strongest images with their maps';
COMMENT ON COLUMN probe_shards.n_images IS 'Images in the part';

CREATE TABLE text_embeddings (
    texts_id VARCHAR NOT NULL PRIMARY KEY, uri VARCHAR NOT NULL, n_texts INTEGER NOT NULL
);
COMMENT ON TABLE text_embeddings IS 'Concept sets that a vision-language model has embedded: each once';
COMMENT ON COLUMN text_embeddings.texts_id IS 'SHA-256 over the model''s weights and the texts in their order';
COMMENT ON COLUMN text_embeddings.uri IS 'Array store: a unit vector a text';
COMMENT ON COLUMN text_embeddings.n_texts IS 'Texts in the set';

CREATE TABLE probe_passes (
    model VARCHAR NOT NULL PRIMARY KEY, probe VARCHAR NOT NULL, n_images INTEGER NOT NULL, weights_hash VARCHAR NOT NULL,
    activations_uri VARCHAR[] NOT NULL, strongest_uri VARCHAR NOT NULL
);
COMMENT ON TABLE probe_passes IS 'One forward pass of a target over its probe set';
COMMENT ON COLUMN probe_passes.model IS 'Target';
COMMENT ON COLUMN probe_passes.probe IS 'Probe set that was passed through the target';
COMMENT ON COLUMN probe_passes.n_images IS 'Images in the pass';
COMMENT ON COLUMN probe_passes.weights_hash IS 'SHA-256 over everything the activations depend on in the target: weights, architecture, layer, transform';
COMMENT ON COLUMN probe_passes.activations_uri IS 'Array store: the shards of activations, in the order of position';
COMMENT ON COLUMN probe_passes.strongest_uri IS 'Array store: positions, activations and maps of every neuron''s strongest images';

CREATE TABLE neuron_activations (
    model VARCHAR NOT NULL, neuron INTEGER NOT NULL, activation FLOAT[] NOT NULL,
    PRIMARY KEY (model, neuron)
);
CREATE INDEX neuron_activations_by_neuron ON neuron_activations (neuron);
COMMENT ON TABLE neuron_activations IS 'A neuron''s activations on its probe set in one list; the view probe_activations has them by image';
COMMENT ON COLUMN neuron_activations.model IS 'Target';
COMMENT ON COLUMN neuron_activations.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN neuron_activations.activation IS 'Activation (arbitrary units) by position of the probe set';

CREATE VIEW probe_activations AS
SELECT unnested.model, unnested.neuron, probe_images.image_id, unnested.activation
FROM (
    SELECT model, neuron, unnest(activation) AS activation, generate_subscripts(activation, 1) - 1 AS position
    FROM neuron_activations
) AS unnested
JOIN probe_passes ON probe_passes.model = unnested.model
JOIN probe_images ON probe_images.probe = probe_passes.probe AND probe_images.position = unnested.position;
COMMENT ON VIEW probe_activations IS 'a_i(x): the activation of neuron i on probe image x (Def. 1, 2)';
COMMENT ON COLUMN probe_activations.model IS 'Target';
COMMENT ON COLUMN probe_activations.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN probe_activations.image_id IS 'Image of the target''s probe set';
COMMENT ON COLUMN probe_activations.activation IS 'Activation (arbitrary units)';


CREATE TABLE neuron_ratios (
    model VARCHAR NOT NULL, neuron INTEGER NOT NULL, median FLOAT NOT NULL, p99 FLOAT NOT NULL, ratio DOUBLE,
    rule VARCHAR NOT NULL CHECK (rule IN ('ratio', 'signed')), beta DOUBLE NOT NULL,
    status VARCHAR NOT NULL CHECK (status IN ('selected', 'low_contrast', 'dead')), is_sparse BOOLEAN NOT NULL,
    PRIMARY KEY (model, neuron)
);
COMMENT ON TABLE neuron_ratios IS 'Which neurons are selective enough to be interpreted (Sec. 3.2)';
COMMENT ON COLUMN neuron_ratios.model IS 'Target';
COMMENT ON COLUMN neuron_ratios.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN neuron_ratios.median IS 'Median activation on the probe set';
COMMENT ON COLUMN neuron_ratios.p99 IS '99th percentile of the activation on the probe set';
COMMENT ON COLUMN neuron_ratios.ratio IS 'Contrast by the rule; infinite for a sparse neuron, NULL for a dead one';
COMMENT ON COLUMN neuron_ratios.rule IS 'ratio: p99 / median; signed: (p99 - median) / (1.4826 MAD)';
COMMENT ON COLUMN neuron_ratios.beta IS 'Threshold the contrast must exceed';
COMMENT ON COLUMN neuron_ratios.status IS 'selected, low_contrast or dead (constant on the probe set)';
COMMENT ON COLUMN neuron_ratios.is_sparse IS 'The denominator of the ratio is 0: at least half of the probe set gives one value';

CREATE TABLE selected_samples (
    model VARCHAR NOT NULL, neuron INTEGER NOT NULL, rank INTEGER NOT NULL, image_id VARCHAR NOT NULL, activation FLOAT NOT NULL,
    PRIMARY KEY (model, neuron, rank)
);
COMMENT ON TABLE selected_samples IS 'The probe images a selected neuron answers to most (Sec. 3.2)';
COMMENT ON COLUMN selected_samples.model IS 'Target';
COMMENT ON COLUMN selected_samples.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN selected_samples.rank IS '0 is the strongest; ties by image_id';
COMMENT ON COLUMN selected_samples.image_id IS 'Image of the target''s probe set';
COMMENT ON COLUMN selected_samples.activation IS 'Activation (arbitrary units)';

CREATE TABLE patch_embeddings (
    model VARCHAR NOT NULL, neuron INTEGER NOT NULL, rank INTEGER NOT NULL, image_id VARCHAR NOT NULL,
    x0 INTEGER NOT NULL, y0 INTEGER NOT NULL, x1 INTEGER NOT NULL, y1 INTEGER NOT NULL,
    crop_retention DOUBLE, is_whole_image BOOLEAN NOT NULL, uri VARCHAR NOT NULL, embedding FLOAT[] NOT NULL,
    PRIMARY KEY (model, neuron, rank)
);
COMMENT ON TABLE patch_embeddings IS 'The part of each sample the neuron responds to, and its embedding (Sec. 3.3)';
COMMENT ON COLUMN patch_embeddings.model IS 'Target';
COMMENT ON COLUMN patch_embeddings.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN patch_embeddings.rank IS 'Rank of the sample that was cropped';
COMMENT ON COLUMN patch_embeddings.image_id IS 'Image that was cropped';
COMMENT ON COLUMN patch_embeddings.x0 IS 'Left edge in pixels of the original image';
COMMENT ON COLUMN patch_embeddings.y0 IS 'Upper edge in pixels of the original image';
COMMENT ON COLUMN patch_embeddings.x1 IS 'Right edge in pixels of the original image, itself outside';
COMMENT ON COLUMN patch_embeddings.y1 IS 'Lower edge in pixels of the original image, itself outside';
COMMENT ON COLUMN patch_embeddings.crop_retention IS '(a(crop) - median) / (a(image) - median): does the crop still drive the neuron?';
COMMENT ON COLUMN patch_embeddings.is_whole_image IS 'The crop retained too little, so the whole image stands in for it';
COMMENT ON COLUMN patch_embeddings.uri IS 'Image store: the patch';
COMMENT ON COLUMN patch_embeddings.embedding IS 'Unit vector from the vision-language model';

CREATE TABLE clusters (
    model VARCHAR NOT NULL, neuron INTEGER NOT NULL, rank INTEGER NOT NULL, cluster INTEGER NOT NULL, n_clusters INTEGER NOT NULL,
    silhouette DOUBLE, best_silhouette DOUBLE, null_silhouette DOUBLE,
    PRIMARY KEY (model, neuron, rank)
);
COMMENT ON TABLE clusters IS 'Which of a neuron''s patches belong together (Sec. 3.3)';
COMMENT ON COLUMN clusters.model IS 'Target';
COMMENT ON COLUMN clusters.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN clusters.rank IS 'Rank of the patch';
COMMENT ON COLUMN clusters.cluster IS 'Cluster of the patch, numbered by first appearance in rank order';
COMMENT ON COLUMN clusters.n_clusters IS 'Clusters of this neuron';
COMMENT ON COLUMN clusters.silhouette IS 'Mean silhouette of the neuron''s clustering; NULL for one cluster';
COMMENT ON COLUMN clusters.best_silhouette IS 'Best silhouette over all numbers of clusters tried, taken or not; NULL if none could be tried';
COMMENT ON COLUMN clusters.null_silhouette IS 'What the best one had to exceed for more than one cluster; NULL if no null was drawn';

CREATE TABLE concept_hypotheses (
    model VARCHAR NOT NULL, neuron INTEGER NOT NULL, cluster INTEGER NOT NULL, place INTEGER NOT NULL,
    concept VARCHAR NOT NULL, score DOUBLE NOT NULL,
    PRIMARY KEY (model, neuron, cluster, place)
);
COMMENT ON TABLE concept_hypotheses IS 'The concepts that name a cluster best (Eq. 1-3)';
COMMENT ON COLUMN concept_hypotheses.model IS 'Target';
COMMENT ON COLUMN concept_hypotheses.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN concept_hypotheses.cluster IS 'Cluster of the neuron''s patches';
COMMENT ON COLUMN concept_hypotheses.place IS '0 is the best concept of the cluster';
COMMENT ON COLUMN concept_hypotheses.concept IS 'Word or phrase of the concept set';
COMMENT ON COLUMN concept_hypotheses.score IS 'g(t, C): mean cosine between the cluster''s patches and the concept''s text';


CREATE TABLE pictures (
    picture_id VARCHAR NOT NULL PRIMARY KEY, generator VARCHAR NOT NULL, prompt VARCHAR NOT NULL, seed BIGINT NOT NULL,
    uri VARCHAR NOT NULL, sha256 VARCHAR NOT NULL, drawn_by_run VARCHAR NOT NULL, seconds DOUBLE NOT NULL
);
COMMENT ON TABLE pictures IS 'The picture bank: each generated picture once, whatever neurons and targets use it';
COMMENT ON COLUMN pictures.picture_id IS 'SHA-256 over everything the picture depends on: generator, prompt, seed';
COMMENT ON COLUMN pictures.generator IS 'Which generator with which settings drew it';
COMMENT ON COLUMN pictures.prompt IS 'Text the picture was drawn for';
COMMENT ON COLUMN pictures.seed IS 'Seed of the picture''s noise';
COMMENT ON COLUMN pictures.uri IS 'Image store: the picture';
COMMENT ON COLUMN pictures.sha256 IS 'SHA-256 of the picture''s file';
COMMENT ON COLUMN pictures.drawn_by_run IS 'Run that drew it';
COMMENT ON COLUMN pictures.seconds IS 'Time it took to draw (s)';

CREATE TABLE generated_image_sets (
    model VARCHAR NOT NULL, neuron INTEGER NOT NULL, cluster INTEGER NOT NULL, concept VARCHAR NOT NULL, seed BIGINT NOT NULL,
    generator VARCHAR NOT NULL, picture_id VARCHAR NOT NULL, uri VARCHAR NOT NULL,
    PRIMARY KEY (model, neuron, cluster, concept, seed)
);
COMMENT ON TABLE generated_image_sets IS 'The pictures on which a hypothesis is tested (Sec. 3.4), by link into the picture bank';
COMMENT ON COLUMN generated_image_sets.model IS 'Target';
COMMENT ON COLUMN generated_image_sets.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN generated_image_sets.cluster IS 'Cluster of the neuron''s patches';
COMMENT ON COLUMN generated_image_sets.concept IS 'Hypothesis';
COMMENT ON COLUMN generated_image_sets.seed IS 'Seed of the picture''s noise';
COMMENT ON COLUMN generated_image_sets.generator IS 'Which generator with which settings drew it';
COMMENT ON COLUMN generated_image_sets.picture_id IS 'The picture in the table pictures';
COMMENT ON COLUMN generated_image_sets.uri IS 'Image store: the picture';

CREATE TABLE picture_activations (
    model VARCHAR NOT NULL, picture_id VARCHAR NOT NULL, weights_hash VARCHAR NOT NULL, activation FLOAT[] NOT NULL,
    PRIMARY KEY (model, picture_id, weights_hash)
);
COMMENT ON TABLE picture_activations IS 'A target''s answer to a picture of the bank, all neurons at once';
COMMENT ON COLUMN picture_activations.model IS 'Target';
COMMENT ON COLUMN picture_activations.picture_id IS 'The picture in the table pictures';
COMMENT ON COLUMN picture_activations.weights_hash IS 'SHA-256 over everything the activations depend on in the target';
COMMENT ON COLUMN picture_activations.activation IS 'Activation (arbitrary units) by neuron';

CREATE TABLE image_work (
    stage VARCHAR NOT NULL, model VARCHAR NOT NULL, run_id VARCHAR NOT NULL, work VARCHAR NOT NULL CHECK (work IN ('drawn', 'looked at', 'embedded')),
    recorded_at TIMESTAMP NOT NULL, n_images BIGINT NOT NULL, n_bytes BIGINT NOT NULL,
    PRIMARY KEY (stage, model, run_id, work, recorded_at)
);
COMMENT ON TABLE image_work IS 'What stages had drawn, looked at and embedded; what was there already does not count, what two runs drew at once counts for both';
COMMENT ON COLUMN image_work.stage IS 'Stage that needed it';
COMMENT ON COLUMN image_work.model IS 'Target it ran for';
COMMENT ON COLUMN image_work.run_id IS 'Dagster run';
COMMENT ON COLUMN image_work.work IS 'drawn, looked at (by the target) or embedded (by the vision-language model)';
COMMENT ON COLUMN image_work.recorded_at IS 'When it was stored (UTC)';
COMMENT ON COLUMN image_work.n_images IS 'Images drawn; or of which it was the first time that they were looked at, or embedded';
COMMENT ON COLUMN image_work.n_bytes IS 'What that takes: of files, or of activations and embeddings';

CREATE TABLE activation_rates (
    model VARCHAR NOT NULL, neuron INTEGER NOT NULL, cluster INTEGER NOT NULL, concept VARCHAR NOT NULL,
    threshold FLOAT NOT NULL, n_images INTEGER NOT NULL, n_active INTEGER NOT NULL,
    activation_rate DOUBLE NOT NULL, ci_low DOUBLE NOT NULL, ci_high DOUBLE NOT NULL,
    PRIMARY KEY (model, neuron, cluster, concept)
);
COMMENT ON TABLE activation_rates IS 'How often the pictures of a hypothesis activate the neuron (Eq. 4)';
COMMENT ON COLUMN activation_rates.model IS 'Target';
COMMENT ON COLUMN activation_rates.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN activation_rates.cluster IS 'Cluster of the neuron''s patches';
COMMENT ON COLUMN activation_rates.concept IS 'Hypothesis';
COMMENT ON COLUMN activation_rates.threshold IS 'T_i: the neuron''s 99th percentile on the probe set; a picture must exceed it';
COMMENT ON COLUMN activation_rates.n_images IS 'Pictures of the hypothesis';
COMMENT ON COLUMN activation_rates.n_active IS 'Pictures above the threshold';
COMMENT ON COLUMN activation_rates.activation_rate IS 'AR = n_active / n_images';
COMMENT ON COLUMN activation_rates.ci_low IS 'Lower end of the Wilson interval of AR';
COMMENT ON COLUMN activation_rates.ci_high IS 'Upper end of the Wilson interval of AR';

CREATE TABLE verified_concepts (
    model VARCHAR NOT NULL, neuron INTEGER NOT NULL, cluster INTEGER NOT NULL, concept VARCHAR NOT NULL,
    activation_rate DOUBLE NOT NULL, initial_mean_ar DOUBLE NOT NULL, final_mean_ar DOUBLE NOT NULL,
    paper_kept BOOLEAN NOT NULL, n_hypotheses INTEGER NOT NULL, is_complete BOOLEAN NOT NULL,
    PRIMARY KEY (model, neuron, cluster, concept)
);
COMMENT ON TABLE verified_concepts IS 'The hypotheses of a target against their mean (Sec. 3.4)';
COMMENT ON COLUMN verified_concepts.model IS 'Target';
COMMENT ON COLUMN verified_concepts.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN verified_concepts.cluster IS 'Cluster of the neuron''s patches';
COMMENT ON COLUMN verified_concepts.concept IS 'Hypothesis';
COMMENT ON COLUMN verified_concepts.activation_rate IS 'AR of the hypothesis';
COMMENT ON COLUMN verified_concepts.initial_mean_ar IS 'Mean AR over the target''s hypotheses';
COMMENT ON COLUMN verified_concepts.final_mean_ar IS 'Mean AR over those that are kept';
COMMENT ON COLUMN verified_concepts.paper_kept IS 'AR is not below initial_mean_ar';
COMMENT ON COLUMN verified_concepts.n_hypotheses IS 'Hypotheses the means are over';
COMMENT ON COLUMN verified_concepts.is_complete IS 'All of the target''s neurons had been tested when the means were taken';

CREATE TABLE reference_pictures (
    model VARCHAR NOT NULL, concept VARCHAR NOT NULL, seed INTEGER NOT NULL,
    generator VARCHAR NOT NULL, picture_id VARCHAR NOT NULL, uri VARCHAR NOT NULL,
    PRIMARY KEY (model, concept, seed)
);
COMMENT ON TABLE reference_pictures IS 'Pictures of a fixed sample of the concept set, which every hypothesis is held against, by link into the picture bank';
COMMENT ON COLUMN reference_pictures.model IS 'Target';
COMMENT ON COLUMN reference_pictures.concept IS 'Reference concept';
COMMENT ON COLUMN reference_pictures.seed IS 'Seed of the picture''s noise';
COMMENT ON COLUMN reference_pictures.generator IS 'Which generator with which settings drew it';
COMMENT ON COLUMN reference_pictures.picture_id IS 'The picture in the table pictures';
COMMENT ON COLUMN reference_pictures.uri IS 'Image store: the picture';

CREATE TABLE probe_embeddings (
    model VARCHAR NOT NULL PRIMARY KEY, probe VARCHAR NOT NULL, n_images INTEGER NOT NULL, weights_hash VARCHAR NOT NULL,
    embeddings_uri VARCHAR[] NOT NULL
);
COMMENT ON TABLE probe_embeddings IS 'What the vision-language model sees in the whole probe images';
COMMENT ON COLUMN probe_embeddings.model IS 'Target';
COMMENT ON COLUMN probe_embeddings.probe IS 'Probe set that was embedded';
COMMENT ON COLUMN probe_embeddings.n_images IS 'Images in it';
COMMENT ON COLUMN probe_embeddings.weights_hash IS 'SHA-256 over everything an embedding depends on in the model';
COMMENT ON COLUMN probe_embeddings.embeddings_uri IS 'Array store: the shards of unit vectors, in the order of position';

CREATE TABLE picture_embeddings (
    picture_id VARCHAR NOT NULL, weights_hash VARCHAR NOT NULL, embedding FLOAT[] NOT NULL,
    PRIMARY KEY (picture_id, weights_hash)
);
COMMENT ON TABLE picture_embeddings IS 'What a vision-language model sees in a picture of the bank';
COMMENT ON COLUMN picture_embeddings.picture_id IS 'The picture in the table pictures';
COMMENT ON COLUMN picture_embeddings.weights_hash IS 'SHA-256 over everything an embedding depends on in the model';
COMMENT ON COLUMN picture_embeddings.embedding IS 'Unit vector';

CREATE TABLE evidence (
    model VARCHAR NOT NULL, neuron INTEGER NOT NULL, concept VARCHAR NOT NULL, n_pictures INTEGER NOT NULL,
    activation_rate DOUBLE NOT NULL, ci_low DOUBLE NOT NULL, ci_high DOUBLE NOT NULL,
    ar_to_decide DOUBLE NOT NULL, ar_to_report DOUBLE NOT NULL,
    n_reference INTEGER NOT NULL, null_ar DOUBLE, lift DOUBLE, p_value DOUBLE NOT NULL, concept_rank INTEGER NOT NULL,
    best_reference VARCHAR, best_reference_ar DOUBLE, neuron_rank INTEGER NOT NULL, auc DOUBLE NOT NULL, mad DOUBLE,
    word_rank INTEGER NOT NULL, probe_share DOUBLE NOT NULL, expected_ar DOUBLE NOT NULL, matched_threshold FLOAT NOT NULL,
    matched_ar DOUBLE NOT NULL, matched_low DOUBLE NOT NULL, matched_high DOUBLE NOT NULL, reported_ar DOUBLE NOT NULL,
    n_shown INTEGER NOT NULL, natural_recall DOUBLE, natural_precision DOUBLE, natural_f1 DOUBLE,
    natural_correlation DOUBLE, natural_ap DOUBLE, drawn_ap DOUBLE, score DOUBLE NOT NULL, best_name VARCHAR,
    PRIMARY KEY (model, neuron, concept)
);
COMMENT ON TABLE evidence IS 'All that is known of each hypothesis beyond its AR (docs/method.md, section 3); one row a neuron and concept, whatever its clusters';
COMMENT ON COLUMN evidence.model IS 'Target';
COMMENT ON COLUMN evidence.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN evidence.concept IS 'Hypothesis';
COMMENT ON COLUMN evidence.n_pictures IS 'Pictures of the concept that it is judged by: those with the seeds from 0 on. With looks, as many as it took';
COMMENT ON COLUMN evidence.activation_rate IS 'AR (Eq. 4)';
COMMENT ON COLUMN evidence.ci_low IS 'Lower end of the Wilson interval of AR';
COMMENT ON COLUMN evidence.ci_high IS 'Upper end of the Wilson interval of AR';
COMMENT ON COLUMN evidence.ar_to_decide IS 'AR over every second picture: by this, names are chosen and dropped where methods are compared';
COMMENT ON COLUMN evidence.ar_to_report IS 'AR over the other pictures: what is reported then';
COMMENT ON COLUMN evidence.n_reference IS 'Reference concepts that it is held against: all whose texts are not near its own';
COMMENT ON COLUMN evidence.null_ar IS 'Mean AR of the neuron over them; NULL without any';
COMMENT ON COLUMN evidence.lift IS 'AR minus null_ar';
COMMENT ON COLUMN evidence.p_value IS '(1 + reference concepts whose AR is as high) / (1 + n_reference)';
COMMENT ON COLUMN evidence.concept_rank IS 'Reference concepts with a higher AR';
COMMENT ON COLUMN evidence.best_reference IS 'The reference concept with the highest AR; NULL without any';
COMMENT ON COLUMN evidence.best_reference_ar IS 'Its AR';
COMMENT ON COLUMN evidence.neuron_rank IS 'Neurons of the target that fire more often on the same pictures';
COMMENT ON COLUMN evidence.auc IS 'Chance that the neuron prefers a picture of the concept to a probe image (CoSy)';
COMMENT ON COLUMN evidence.mad IS 'Difference of the mean activations, in standard deviations of the probe images (CoSy); NULL for a dead neuron';
COMMENT ON COLUMN evidence.word_rank IS 'Words that fit the pictures better than the concept does: the generator check';
COMMENT ON COLUMN evidence.probe_share IS 'Share of the probe images that show the concept to the vision-language model';
COMMENT ON COLUMN evidence.expected_ar IS 'The most that AR can be for a concept so common';
COMMENT ON COLUMN evidence.matched_threshold IS 'Above it the neuron is on as many probe images as show the concept';
COMMENT ON COLUMN evidence.matched_ar IS 'Share of the pictures above matched_threshold';
COMMENT ON COLUMN evidence.matched_low IS 'Lower end of its Wilson interval';
COMMENT ON COLUMN evidence.matched_high IS 'Upper end of its Wilson interval';
COMMENT ON COLUMN evidence.reported_ar IS 'matched_ar over the half of the pictures that is kept to report on';
COMMENT ON COLUMN evidence.n_shown IS 'Probe images that show the concept';
COMMENT ON COLUMN evidence.natural_recall IS 'Share of them on which the neuron is above matched_threshold; NULL if none or all show it, as the next two';
COMMENT ON COLUMN evidence.natural_precision IS 'Share of the probe images above matched_threshold that show the concept';
COMMENT ON COLUMN evidence.natural_f1 IS 'Harmonic mean of recall and precision';
COMMENT ON COLUMN evidence.natural_correlation IS 'Pearson''s, of the activation and the cosine of image and concept; NULL if one never changes';
COMMENT ON COLUMN evidence.natural_ap IS 'Average precision of the activation for "shows the concept" over the probe images; NULL if none does';
COMMENT ON COLUMN evidence.drawn_ap IS 'The same over the pictures of the reference concepts and of the neuron''s hypotheses';
COMMENT ON COLUMN evidence.score IS 'Mean of natural_ap and drawn_ap, each relative to the neuron''s best name; 0 for a concept whose pictures do not show it';
COMMENT ON COLUMN evidence.best_name IS 'The reference concept or hypothesis with the highest score; NULL if all are 0';

CREATE TABLE verdicts (
    model VARCHAR NOT NULL, neuron INTEGER NOT NULL, concept VARCHAR NOT NULL, q_value DOUBLE NOT NULL,
    verdict VARCHAR NOT NULL CHECK (verdict IN ('verified', 'refuted', 'untestable', 'ambiguous')),
    reason VARCHAR NOT NULL, n_hypotheses INTEGER NOT NULL, is_complete BOOLEAN NOT NULL,
    PRIMARY KEY (model, neuron, concept)
);
COMMENT ON TABLE verdicts IS 'The verdict on each hypothesis by its evidence (docs/method.md, section 3), beside the paper''s in verified_concepts';
COMMENT ON COLUMN verdicts.model IS 'Target';
COMMENT ON COLUMN verdicts.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN verdicts.concept IS 'Hypothesis';
COMMENT ON COLUMN verdicts.q_value IS 'p_value of evidence, adjusted over the target''s hypotheses (Benjamini and Hochberg)';
COMMENT ON COLUMN verdicts.verdict IS 'verified, refuted, untestable (its pictures do not show it) or ambiguous (too few pictures to tell)';
COMMENT ON COLUMN verdicts.reason IS 'Why, in words';
COMMENT ON COLUMN verdicts.n_hypotheses IS 'Hypotheses that q_value is over';
COMMENT ON COLUMN verdicts.is_complete IS 'All of the target''s neurons had been tested when it was taken';

CREATE TABLE revised_names (
    model VARCHAR NOT NULL, neuron INTEGER NOT NULL, concept VARCHAR NOT NULL, is_new BOOLEAN NOT NULL,
    n_candidates INTEGER NOT NULL, score DOUBLE NOT NULL, runner_up VARCHAR, runner_up_score DOUBLE NOT NULL,
    natural_ap DOUBLE, drawn_ap DOUBLE NOT NULL, n_pictures INTEGER NOT NULL, activation_rate DOUBLE NOT NULL,
    ci_low DOUBLE NOT NULL, ci_high DOUBLE NOT NULL, ar_to_report DOUBLE NOT NULL, p_value DOUBLE NOT NULL, q_value DOUBLE NOT NULL,
    word_rank INTEGER NOT NULL, probe_share DOUBLE NOT NULL, matched_threshold FLOAT NOT NULL, matched_ar DOUBLE NOT NULL,
    matched_low DOUBLE NOT NULL, matched_high DOUBLE NOT NULL, reported_ar DOUBLE NOT NULL,
    verdict VARCHAR NOT NULL CHECK (verdict IN ('verified', 'refuted', 'untestable', 'ambiguous')), reason VARCHAR NOT NULL, oracle_true BOOLEAN,
    PRIMARY KEY (model, neuron)
);
COMMENT ON TABLE revised_names IS 'Each living neuron''s best name of all concepts that were drawn for its target, with its verdict (docs/method.md, section 3)';
COMMENT ON COLUMN revised_names.model IS 'Target';
COMMENT ON COLUMN revised_names.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN revised_names.concept IS 'The name';
COMMENT ON COLUMN revised_names.is_new IS 'It is none of the neuron''s own hypotheses';
COMMENT ON COLUMN revised_names.n_candidates IS 'Concepts that it is the best of: the references and all hypotheses of the target';
COMMENT ON COLUMN revised_names.score IS 'As in evidence, but among all candidates: at least .5, and 1 for the best in both average precisions';
COMMENT ON COLUMN revised_names.runner_up IS 'The candidate with the next score; NULL without any';
COMMENT ON COLUMN revised_names.runner_up_score IS 'Its score; 0 without any';
COMMENT ON COLUMN revised_names.natural_ap IS 'Average precision of the activation for "shows the concept" over the probe images; NULL if none shows it';
COMMENT ON COLUMN revised_names.drawn_ap IS 'The same over the pictures of all candidates';
COMMENT ON COLUMN revised_names.n_pictures IS 'As in evidence, as are the columns from here to reported_ar but for q_value';
COMMENT ON COLUMN revised_names.activation_rate IS 'AR (Eq. 4)';
COMMENT ON COLUMN revised_names.ci_low IS 'Lower end of the Wilson interval of AR';
COMMENT ON COLUMN revised_names.ci_high IS 'Upper end of the Wilson interval of AR';
COMMENT ON COLUMN revised_names.ar_to_report IS 'AR over every second picture, from the second on';
COMMENT ON COLUMN revised_names.p_value IS '(1 + reference concepts whose AR is as high) / (1 + their number)';
COMMENT ON COLUMN revised_names.q_value IS 'p_value, adjusted over the revised names of the target (Benjamini and Hochberg)';
COMMENT ON COLUMN revised_names.word_rank IS 'Words that fit the pictures better than the concept does';
COMMENT ON COLUMN revised_names.probe_share IS 'Share of the probe images that show the concept to the vision-language model';
COMMENT ON COLUMN revised_names.matched_threshold IS 'Above it the neuron is on as many probe images as show the concept';
COMMENT ON COLUMN revised_names.matched_ar IS 'Share of the pictures above matched_threshold';
COMMENT ON COLUMN revised_names.matched_low IS 'Lower end of its Wilson interval';
COMMENT ON COLUMN revised_names.matched_high IS 'Upper end of its Wilson interval';
COMMENT ON COLUMN revised_names.reported_ar IS 'matched_ar over the half of the pictures that is kept to report on';
COMMENT ON COLUMN revised_names.verdict IS 'verified, refuted, untestable or ambiguous, by the rule of verdicts';
COMMENT ON COLUMN revised_names.reason IS 'Why, in words';
COMMENT ON COLUMN revised_names.oracle_true IS 'Whether the embedded world says that the name is true; NULL where that is not known';

CREATE TABLE verdict_controls (
    model VARCHAR NOT NULL, control VARCHAR NOT NULL, draw INTEGER NOT NULL, neuron INTEGER NOT NULL, concept VARCHAR NOT NULL,
    expected VARCHAR NOT NULL CHECK (expected IN ('fail', 'untestable', 'pass', 'reported')), quality DOUBLE,
    n_pictures INTEGER NOT NULL, activation_rate DOUBLE NOT NULL, p_value DOUBLE NOT NULL, q_value DOUBLE NOT NULL,
    word_rank INTEGER NOT NULL, probe_share DOUBLE NOT NULL, matched_threshold FLOAT NOT NULL,
    matched_ar DOUBLE NOT NULL, matched_low DOUBLE NOT NULL, matched_high DOUBLE NOT NULL, reported_ar DOUBLE NOT NULL,
    natural_ap DOUBLE, drawn_ap DOUBLE, score DOUBLE NOT NULL, best_name VARCHAR,
    verdict VARCHAR NOT NULL CHECK (verdict IN ('verified', 'refuted', 'untestable', 'ambiguous')),
    reason VARCHAR NOT NULL, oracle_true BOOLEAN,
    PRIMARY KEY (model, control, draw, neuron, concept)
);
COMMENT ON TABLE verdict_controls IS 'Names whose verdict is known before any evidence is looked at: what the verdict is tried on (docs/method.md, section 3)';
COMMENT ON COLUMN verdict_controls.model IS 'Target';
COMMENT ON COLUMN verdict_controls.control IS 'Kind: permuted activations, shuffled names, meaningless words, class logits, planted directions or random weights';
COMMENT ON COLUMN verdict_controls.draw IS 'Which of several random draws of a kind, from 0';
COMMENT ON COLUMN verdict_controls.neuron IS 'Channel of the target''s layer or of its random copy, number of a class, or of a planted direction';
COMMENT ON COLUMN verdict_controls.concept IS 'The name that is tried';
COMMENT ON COLUMN verdict_controls.expected IS 'fail: must not be verified; untestable: must be that; pass: must be verified; reported: whatever it is';
COMMENT ON COLUMN verdict_controls.quality IS 'Of a planted direction: average precision for its concept on probe images that it was not fitted on; NULL for others';
COMMENT ON COLUMN verdict_controls.n_pictures IS 'As in evidence, as are the columns from here to best_name but for q_value';
COMMENT ON COLUMN verdict_controls.activation_rate IS 'AR (Eq. 4)';
COMMENT ON COLUMN verdict_controls.p_value IS '(1 + reference concepts whose AR is as high) / (1 + their number)';
COMMENT ON COLUMN verdict_controls.q_value IS 'p_value, adjusted over the controls of a kind and draw (Benjamini and Hochberg)';
COMMENT ON COLUMN verdict_controls.word_rank IS 'Words that fit the pictures better than the concept does';
COMMENT ON COLUMN verdict_controls.probe_share IS 'Share of the probe images that show the concept to the vision-language model';
COMMENT ON COLUMN verdict_controls.matched_threshold IS 'Above it the neuron is on as many probe images as show the concept';
COMMENT ON COLUMN verdict_controls.matched_ar IS 'Share of the pictures above matched_threshold';
COMMENT ON COLUMN verdict_controls.matched_low IS 'Lower end of its Wilson interval';
COMMENT ON COLUMN verdict_controls.matched_high IS 'Upper end of its Wilson interval';
COMMENT ON COLUMN verdict_controls.reported_ar IS 'matched_ar over the half of the pictures that is kept to report on';
COMMENT ON COLUMN verdict_controls.natural_ap IS 'Average precision of the activation for "shows the concept" over the probe images; NULL if none does';
COMMENT ON COLUMN verdict_controls.drawn_ap IS 'The same over the pictures of the reference concepts and of the names tried on the neuron';
COMMENT ON COLUMN verdict_controls.score IS 'Mean of natural_ap and drawn_ap, each relative to the neuron''s best name';
COMMENT ON COLUMN verdict_controls.best_name IS 'The reference concept or tried name with the highest score; NULL if all are 0';
COMMENT ON COLUMN verdict_controls.verdict IS 'verified, refuted, untestable or ambiguous';
COMMENT ON COLUMN verdict_controls.reason IS 'Why, in words';
COMMENT ON COLUMN verdict_controls.oracle_true IS 'Whether the embedded world says that the name is true; NULL where that is not known';

CREATE VIEW neuron_status AS
SELECT
    neuron_ratios.model, neuron_ratios.neuron,
    CASE
        WHEN neuron_ratios.status != 'selected' OR judged.is_verified IS NULL THEN neuron_ratios.status
        WHEN judged.is_verified THEN 'verified'
        ELSE 'unverified'
    END AS status
FROM neuron_ratios
LEFT JOIN (SELECT model, neuron, bool_or(paper_kept) AS is_verified FROM verified_concepts GROUP BY model, neuron) AS judged
    ON judged.model = neuron_ratios.model AND judged.neuron = neuron_ratios.neuron;
COMMENT ON VIEW neuron_status IS 'How far each neuron got';
COMMENT ON COLUMN neuron_status.model IS 'Target';
COMMENT ON COLUMN neuron_status.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN neuron_status.status IS 'dead, low_contrast, selected (not yet tested), verified (a hypothesis was kept) or unverified (none was)';

CREATE TABLE name_history (
    model VARCHAR NOT NULL, run_id VARCHAR NOT NULL, recorded_at TIMESTAMP NOT NULL, weights_hash VARCHAR NOT NULL,
    neuron INTEGER[] NOT NULL, concept VARCHAR[] NOT NULL, activation_rate DOUBLE[] NOT NULL,
    PRIMARY KEY (model, run_id)
);
COMMENT ON TABLE name_history IS 'The verified names of a target after each run that judged them: what the atlas compares; kept whatever is computed again';
COMMENT ON COLUMN name_history.model IS 'Target';
COMMENT ON COLUMN name_history.run_id IS 'The run of `revised_names` or `verdicts`, whichever came last';
COMMENT ON COLUMN name_history.recorded_at IS 'When that run wrote its rows (UTC)';
COMMENT ON COLUMN name_history.weights_hash IS 'The target as it was then: as in probe_passes';
COMMENT ON COLUMN name_history.neuron IS 'Of each verified name: the neuron; the name that is shown first';
COMMENT ON COLUMN name_history.concept IS 'Of each verified name: the name';
COMMENT ON COLUMN name_history.activation_rate IS 'Of each verified name: its AR';

CREATE TABLE atlas_pages (
    model VARCHAR NOT NULL, path VARCHAR NOT NULL, made_from VARCHAR NOT NULL, sha256 VARCHAR NOT NULL, n_bytes BIGINT NOT NULL,
    PRIMARY KEY (model, path)
);
COMMENT ON TABLE atlas_pages IS 'The files of the neuron atlas that belong to a target; concepts'' pages belong to all targets that have them';
COMMENT ON COLUMN atlas_pages.model IS 'Target';
COMMENT ON COLUMN atlas_pages.path IS 'Relative to the folder of the atlas';
COMMENT ON COLUMN atlas_pages.made_from IS 'SHA-256 of everything the file was made from: with the same one it is left as it is';
COMMENT ON COLUMN atlas_pages.sha256 IS 'SHA-256 of the file';
COMMENT ON COLUMN atlas_pages.n_bytes IS 'Its size';

CREATE TABLE scene_activations (
    scenes_id VARCHAR NOT NULL PRIMARY KEY, weights_hash VARCHAR NOT NULL, concept VARCHAR, n_scenes INTEGER NOT NULL, uri VARCHAR NOT NULL
);
COMMENT ON TABLE scene_activations IS 'A target''s answer to scenes of the embedded world whose truth is known, all neurons at once; observed once';
COMMENT ON COLUMN scene_activations.scenes_id IS 'SHA-256 over everything the activations depend on: target, renderer, concept, number of scenes, poses';
COMMENT ON COLUMN scene_activations.weights_hash IS 'SHA-256 over everything the activations depend on in the target';
COMMENT ON COLUMN scene_activations.concept IS 'What every one of the scenes shows; NULL for scenes without bias';
COMMENT ON COLUMN scene_activations.n_scenes IS 'Scenes in the set';
COMMENT ON COLUMN scene_activations.uri IS 'Array store: activations by scene and neuron';

CREATE TABLE oracle_rates (
    model VARCHAR NOT NULL, neuron INTEGER NOT NULL, cluster INTEGER NOT NULL, concept VARCHAR NOT NULL,
    threshold FLOAT NOT NULL, is_of_world BOOLEAN NOT NULL, n_scenes INTEGER NOT NULL, oracle_ar DOUBLE,
    oracle_f1 DOUBLE, shuffled_f1 DOUBLE, best_f1 DOUBLE, best_concept VARCHAR, oracle_true BOOLEAN NOT NULL,
    PRIMARY KEY (model, neuron, cluster, concept)
);
COMMENT ON TABLE oracle_rates IS 'What the known truth of the embedded world says of each hypothesis; without rows for other probe sets';
COMMENT ON COLUMN oracle_rates.model IS 'Target';
COMMENT ON COLUMN oracle_rates.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN oracle_rates.cluster IS 'Cluster of the neuron''s patches';
COMMENT ON COLUMN oracle_rates.concept IS 'Hypothesis';
COMMENT ON COLUMN oracle_rates.threshold IS 'T_i: the neuron''s 99th percentile on the probe set; a scene must exceed it';
COMMENT ON COLUMN oracle_rates.is_of_world IS 'The concept names something that scenes can show';
COMMENT ON COLUMN oracle_rates.n_scenes IS 'Scenes rendered for the concept; 0 for a word that names nothing';
COMMENT ON COLUMN oracle_rates.oracle_ar IS 'Share of these scenes above the threshold (Eq. 4); NULL for a word that names nothing';
COMMENT ON COLUMN oracle_rates.oracle_f1 IS 'F1 of "among the neuron''s k strongest scenes" against "shows the concept", on scenes without bias of which k show it; NULL if none does';
COMMENT ON COLUMN oracle_rates.shuffled_f1 IS 'The largest such F1 when the scenes are shuffled: what chance gives; NULL if no scene shows the concept';
COMMENT ON COLUMN oracle_rates.best_f1 IS 'The neuron''s largest oracle_f1 over the concept set; NULL if the whole set names nothing';
COMMENT ON COLUMN oracle_rates.best_concept IS 'The concept that has it; NULL if the whole set names nothing';
COMMENT ON COLUMN oracle_rates.oracle_true IS 'oracle_f1 is at least half of best_f1 and above shuffled_f1: the concept is a true name';

CREATE TABLE truth_agreement (
    model VARCHAR NOT NULL PRIMARY KEY, n_neurons INTEGER NOT NULL, n_hypotheses INTEGER NOT NULL, n_nameless INTEGER NOT NULL,
    mean_ar DOUBLE, mean_oracle_ar DOUBLE, mean_abs_ar_error DOUBLE, constant_error DOUBLE,
    n_graded INTEGER NOT NULL, mean_abs_ar_error_graded DOUBLE, constant_error_graded DOUBLE,
    verified_precision DOUBLE, verified_recall DOUBLE,
    top1_precision DOUBLE, kept_precision DOUBLE, hypotheses_precision DOUBLE, is_complete BOOLEAN NOT NULL
);
COMMENT ON TABLE truth_agreement IS 'How far a target''s verdicts are right, by the known truth of the embedded world; NULL where there is nothing to take a mean of';
COMMENT ON COLUMN truth_agreement.model IS 'Target';
COMMENT ON COLUMN truth_agreement.n_neurons IS 'Neurons that have a hypothesis';
COMMENT ON COLUMN truth_agreement.n_hypotheses IS 'Hypotheses that were judged';
COMMENT ON COLUMN truth_agreement.n_nameless IS 'Hypotheses whose word names nothing in the world';
COMMENT ON COLUMN truth_agreement.mean_ar IS 'Mean AR on generated pictures, over all hypotheses';
COMMENT ON COLUMN truth_agreement.mean_oracle_ar IS 'Mean AR on rendered scenes, over all hypotheses; a word that names nothing counts as 0';
COMMENT ON COLUMN truth_agreement.mean_abs_ar_error IS 'Mean |AR - oracle AR| over the hypotheses that name something';
COMMENT ON COLUMN truth_agreement.constant_error IS 'The same error of the best constant, the median oracle AR, in the place of AR';
COMMENT ON COLUMN truth_agreement.n_graded IS 'Hypotheses whose oracle AR is strictly between .1 and .9';
COMMENT ON COLUMN truth_agreement.mean_abs_ar_error_graded IS 'Mean |AR - oracle AR| over the graded hypotheses';
COMMENT ON COLUMN truth_agreement.constant_error_graded IS 'The same error of the best constant for them, their own median';
COMMENT ON COLUMN truth_agreement.verified_precision IS 'Share of the kept hypotheses that the paper''s rule keeps by oracle AR too';
COMMENT ON COLUMN truth_agreement.verified_recall IS 'Share of the hypotheses the rule keeps by oracle AR that were kept';
COMMENT ON COLUMN truth_agreement.top1_precision IS 'Share of true names among those given without Verify: the best concept of each neuron''s largest cluster';
COMMENT ON COLUMN truth_agreement.kept_precision IS 'Share of true names among the kept hypotheses';
COMMENT ON COLUMN truth_agreement.hypotheses_precision IS 'Share of true names among all hypotheses';
COMMENT ON COLUMN truth_agreement.is_complete IS 'All of the target''s neurons had been tested and held against the truth';


CREATE TABLE layer_explanations (
    model VARCHAR NOT NULL, neuron INTEGER NOT NULL, explainer VARCHAR NOT NULL, place INTEGER NOT NULL,
    concept VARCHAR NOT NULL, score DOUBLE,
    PRIMARY KEY (model, neuron, explainer, place)
);
COMMENT ON TABLE layer_explanations IS 'What methods that look at a whole layer call each neuron: CLIP-Dissect and linear explanations (docs/explainers.md)';
COMMENT ON COLUMN layer_explanations.model IS 'Target';
COMMENT ON COLUMN layer_explanations.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN layer_explanations.explainer IS 'Method';
COMMENT ON COLUMN layer_explanations.place IS 'Place among the method''s names for the neuron, from 0';
COMMENT ON COLUMN layer_explanations.concept IS 'Name, in words';
COMMENT ON COLUMN layer_explanations.score IS 'The method''s own score; NULL if it gives none';

CREATE TABLE neuron_explanations (
    model VARCHAR NOT NULL, neuron INTEGER NOT NULL, explainer VARCHAR NOT NULL, place INTEGER NOT NULL,
    concept VARCHAR NOT NULL, score DOUBLE,
    PRIMARY KEY (model, neuron, explainer, place)
);
COMMENT ON TABLE neuron_explanations IS 'What methods that look at one neuron at a time call it: WWW, and SIEVE without some of its steps (docs/explainers.md)';
COMMENT ON COLUMN neuron_explanations.model IS 'Target';
COMMENT ON COLUMN neuron_explanations.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN neuron_explanations.explainer IS 'Method';
COMMENT ON COLUMN neuron_explanations.place IS 'Place among the method''s names for the neuron, from 0';
COMMENT ON COLUMN neuron_explanations.concept IS 'Name, in words';
COMMENT ON COLUMN neuron_explanations.score IS 'The method''s own score; NULL if it gives none';

CREATE TABLE falcon_explanations (
    model VARCHAR NOT NULL, neuron INTEGER NOT NULL, explainer VARCHAR NOT NULL, place INTEGER NOT NULL,
    concept VARCHAR NOT NULL, score DOUBLE,
    PRIMARY KEY (model, neuron, explainer, place)
);
COMMENT ON TABLE falcon_explanations IS 'What FALCON calls each neuron that it explains (docs/explainers.md)';
COMMENT ON COLUMN falcon_explanations.model IS 'Target';
COMMENT ON COLUMN falcon_explanations.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN falcon_explanations.explainer IS 'Method';
COMMENT ON COLUMN falcon_explanations.place IS 'Place among the method''s names for the neuron, from 0';
COMMENT ON COLUMN falcon_explanations.concept IS 'Name, in words';
COMMENT ON COLUMN falcon_explanations.score IS 'The method''s own score; NULL if it gives none';

CREATE TABLE described_explanations (
    model VARCHAR NOT NULL, neuron INTEGER NOT NULL, explainer VARCHAR NOT NULL, place INTEGER NOT NULL,
    concept VARCHAR NOT NULL, score DOUBLE,
    PRIMARY KEY (model, neuron, explainer, place)
);
COMMENT ON TABLE described_explanations IS 'What Describe-and-Dissect calls each selected neuron (docs/explainers.md)';
COMMENT ON COLUMN described_explanations.model IS 'Target';
COMMENT ON COLUMN described_explanations.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN described_explanations.explainer IS 'Method';
COMMENT ON COLUMN described_explanations.place IS 'Place among the method''s names for the neuron, from 0';
COMMENT ON COLUMN described_explanations.concept IS 'Name, in words';
COMMENT ON COLUMN described_explanations.score IS 'The method''s own score; NULL if it gives none';

CREATE TABLE mask_explanations (
    model VARCHAR NOT NULL, neuron INTEGER NOT NULL, explainer VARCHAR NOT NULL, place INTEGER NOT NULL,
    concept VARCHAR NOT NULL, score DOUBLE,
    PRIMARY KEY (model, neuron, explainer, place)
);
COMMENT ON TABLE mask_explanations IS 'What methods that compare maps with masks call each neuron: Network Dissection, compositional explanations (docs/explainers.md)';
COMMENT ON COLUMN mask_explanations.model IS 'Target';
COMMENT ON COLUMN mask_explanations.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN mask_explanations.explainer IS 'Method';
COMMENT ON COLUMN mask_explanations.place IS 'Place among the method''s names for the neuron, from 0';
COMMENT ON COLUMN mask_explanations.concept IS 'Name, in words';
COMMENT ON COLUMN mask_explanations.score IS 'The method''s own score; NULL if it gives none';

CREATE TABLE imported_explanations (
    model VARCHAR NOT NULL, neuron INTEGER NOT NULL, explainer VARCHAR NOT NULL, place INTEGER NOT NULL,
    concept VARCHAR NOT NULL, score DOUBLE,
    PRIMARY KEY (model, neuron, explainer, place)
);
COMMENT ON TABLE imported_explanations IS 'What tables of other methods, given as files, call each neuron (docs/explainers.md)';
COMMENT ON COLUMN imported_explanations.model IS 'Target';
COMMENT ON COLUMN imported_explanations.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN imported_explanations.explainer IS 'Method';
COMMENT ON COLUMN imported_explanations.place IS 'Place among the method''s names for the neuron, from 0';
COMMENT ON COLUMN imported_explanations.concept IS 'Name, in words';
COMMENT ON COLUMN imported_explanations.score IS 'The method''s own score; NULL if it gives none';

CREATE TABLE control_explanations (
    model VARCHAR NOT NULL, neuron INTEGER NOT NULL, explainer VARCHAR NOT NULL, place INTEGER NOT NULL,
    concept VARCHAR NOT NULL, score DOUBLE,
    PRIMARY KEY (model, neuron, explainer, place)
);
COMMENT ON TABLE control_explanations IS 'Names made from the known truth of the embedded world: the best, a narrower, a wider and a random one (docs/method.md, section 5)';
COMMENT ON COLUMN control_explanations.model IS 'Target';
COMMENT ON COLUMN control_explanations.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN control_explanations.explainer IS 'Method';
COMMENT ON COLUMN control_explanations.place IS 'Place among the method''s names for the neuron, from 0';
COMMENT ON COLUMN control_explanations.concept IS 'Name, in words';
COMMENT ON COLUMN control_explanations.score IS 'The method''s own score; NULL if it gives none';

CREATE VIEW explanations AS
SELECT model, neuron, explainer, place, concept, score FROM layer_explanations
UNION ALL SELECT model, neuron, explainer, place, concept, score FROM neuron_explanations
UNION ALL SELECT model, neuron, explainer, place, concept, score FROM falcon_explanations
UNION ALL SELECT model, neuron, explainer, place, concept, score FROM described_explanations
UNION ALL SELECT model, neuron, explainer, place, concept, score FROM mask_explanations
UNION ALL SELECT model, neuron, explainer, place, concept, score FROM imported_explanations
UNION ALL SELECT model, neuron, explainer, place, concept, score FROM control_explanations
UNION ALL SELECT model, neuron, 'sieve_revised', 0, concept, score FROM revised_names
UNION ALL SELECT
    named.model, named.neuron, 'sieve',
    row_number() OVER (PARTITION BY named.model, named.neuron ORDER BY min([-sized.size, named.place, named.cluster])) - 1,
    named.concept, max(named.score)
FROM concept_hypotheses named
JOIN (SELECT model, neuron, cluster, count(*) AS size FROM clusters GROUP BY ALL) sized
    ON sized.model = named.model AND sized.neuron = named.neuron AND sized.cluster = named.cluster
GROUP BY named.model, named.neuron, named.concept;
COMMENT ON VIEW explanations IS 'What every method calls each neuron; SIEVE''s own are its hypotheses, those of the largest cluster first, and its revised names';
COMMENT ON COLUMN explanations.model IS 'Target';
COMMENT ON COLUMN explanations.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN explanations.explainer IS 'Method';
COMMENT ON COLUMN explanations.place IS 'Place among the method''s names for the neuron, from 0';
COMMENT ON COLUMN explanations.concept IS 'Name, in words';
COMMENT ON COLUMN explanations.score IS 'The method''s own score; NULL if it gives none';

CREATE TABLE compared_pictures (
    model VARCHAR NOT NULL, concept VARCHAR NOT NULL, seed BIGINT NOT NULL,
    generator VARCHAR NOT NULL, picture_id VARCHAR NOT NULL, uri VARCHAR NOT NULL,
    PRIMARY KEY (model, concept, seed)
);
COMMENT ON TABLE compared_pictures IS 'Pictures of the names that any method gives, by link into the picture bank';
COMMENT ON COLUMN compared_pictures.model IS 'Target';
COMMENT ON COLUMN compared_pictures.concept IS 'Name';
COMMENT ON COLUMN compared_pictures.seed IS 'Seed of the picture''s noise';
COMMENT ON COLUMN compared_pictures.generator IS 'Which generator with which settings drew it';
COMMENT ON COLUMN compared_pictures.picture_id IS 'The picture in the table pictures';
COMMENT ON COLUMN compared_pictures.uri IS 'Image store: the picture';

CREATE TABLE compared_evidence (
    model VARCHAR NOT NULL, neuron INTEGER NOT NULL, concept VARCHAR NOT NULL, n_pictures INTEGER NOT NULL,
    activation_rate DOUBLE NOT NULL, ci_low DOUBLE NOT NULL, ci_high DOUBLE NOT NULL,
    ar_to_decide DOUBLE NOT NULL, ar_to_report DOUBLE NOT NULL,
    n_reference INTEGER NOT NULL, null_ar DOUBLE, lift DOUBLE, p_value DOUBLE NOT NULL, concept_rank INTEGER NOT NULL,
    best_reference VARCHAR, best_reference_ar DOUBLE, neuron_rank INTEGER NOT NULL, auc DOUBLE NOT NULL, mad DOUBLE,
    word_rank INTEGER NOT NULL, probe_share DOUBLE NOT NULL, expected_ar DOUBLE NOT NULL, matched_threshold FLOAT NOT NULL,
    matched_ar DOUBLE NOT NULL, matched_low DOUBLE NOT NULL, matched_high DOUBLE NOT NULL, reported_ar DOUBLE NOT NULL,
    n_shown INTEGER NOT NULL, natural_recall DOUBLE, natural_precision DOUBLE, natural_f1 DOUBLE,
    natural_correlation DOUBLE, natural_ap DOUBLE, drawn_ap DOUBLE, score DOUBLE NOT NULL, best_name VARCHAR,
    q_value DOUBLE NOT NULL, verdict VARCHAR NOT NULL CHECK (verdict IN ('verified', 'refuted', 'untestable', 'ambiguous')), reason VARCHAR NOT NULL,
    PRIMARY KEY (model, neuron, concept)
);
COMMENT ON TABLE compared_evidence IS 'The same as in evidence, and the verdict, for the names that any method gives; the best name is the best of all methods';
COMMENT ON COLUMN compared_evidence.model IS 'Target';
COMMENT ON COLUMN compared_evidence.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN compared_evidence.concept IS 'Hypothesis';
COMMENT ON COLUMN compared_evidence.n_pictures IS 'Pictures of the concept that it is judged by: those with the seeds from 0 on. With looks, as many as it took';
COMMENT ON COLUMN compared_evidence.activation_rate IS 'AR (Eq. 4)';
COMMENT ON COLUMN compared_evidence.ci_low IS 'Lower end of the Wilson interval of AR';
COMMENT ON COLUMN compared_evidence.ci_high IS 'Upper end of the Wilson interval of AR';
COMMENT ON COLUMN compared_evidence.ar_to_decide IS 'AR over every second picture: by this, names are chosen and dropped where methods are compared';
COMMENT ON COLUMN compared_evidence.ar_to_report IS 'AR over the other pictures: what is reported then';
COMMENT ON COLUMN compared_evidence.n_reference IS 'Reference concepts that it is held against: all whose texts are not near its own';
COMMENT ON COLUMN compared_evidence.null_ar IS 'Mean AR of the neuron over them; NULL without any';
COMMENT ON COLUMN compared_evidence.lift IS 'AR minus null_ar';
COMMENT ON COLUMN compared_evidence.p_value IS '(1 + reference concepts whose AR is as high) / (1 + n_reference)';
COMMENT ON COLUMN compared_evidence.concept_rank IS 'Reference concepts with a higher AR';
COMMENT ON COLUMN compared_evidence.best_reference IS 'The reference concept with the highest AR; NULL without any';
COMMENT ON COLUMN compared_evidence.best_reference_ar IS 'Its AR';
COMMENT ON COLUMN compared_evidence.neuron_rank IS 'Neurons of the target that fire more often on the same pictures';
COMMENT ON COLUMN compared_evidence.auc IS 'Chance that the neuron prefers a picture of the concept to a probe image (CoSy)';
COMMENT ON COLUMN compared_evidence.mad IS 'Difference of the mean activations, in standard deviations of the probe images (CoSy); NULL for a dead neuron';
COMMENT ON COLUMN compared_evidence.word_rank IS 'Words that fit the pictures better than the concept does: the generator check';
COMMENT ON COLUMN compared_evidence.probe_share IS 'Share of the probe images that show the concept to the vision-language model';
COMMENT ON COLUMN compared_evidence.expected_ar IS 'The most that AR can be for a concept so common';
COMMENT ON COLUMN compared_evidence.matched_threshold IS 'Above it the neuron is on as many probe images as show the concept';
COMMENT ON COLUMN compared_evidence.matched_ar IS 'Share of the pictures above matched_threshold';
COMMENT ON COLUMN compared_evidence.matched_low IS 'Lower end of its Wilson interval';
COMMENT ON COLUMN compared_evidence.matched_high IS 'Upper end of its Wilson interval';
COMMENT ON COLUMN compared_evidence.reported_ar IS 'matched_ar over the half of the pictures that is kept to report on';
COMMENT ON COLUMN compared_evidence.n_shown IS 'Probe images that show the concept';
COMMENT ON COLUMN compared_evidence.natural_recall IS 'Share of them on which the neuron is above matched_threshold; NULL if none or all show it, as the next two';
COMMENT ON COLUMN compared_evidence.natural_precision IS 'Share of the probe images above matched_threshold that show the concept';
COMMENT ON COLUMN compared_evidence.natural_f1 IS 'Harmonic mean of recall and precision';
COMMENT ON COLUMN compared_evidence.natural_correlation IS 'Pearson''s, of the activation and the cosine of image and concept; NULL if one never changes';
COMMENT ON COLUMN compared_evidence.natural_ap IS 'Average precision of the activation for "shows the concept" over the probe images; NULL if none does';
COMMENT ON COLUMN compared_evidence.drawn_ap IS 'The same over the pictures of the reference concepts and of the neuron''s hypotheses';
COMMENT ON COLUMN compared_evidence.score IS 'Mean of natural_ap and drawn_ap, each relative to the neuron''s best name; 0 for a concept whose pictures do not show it';
COMMENT ON COLUMN compared_evidence.best_name IS 'The reference concept or hypothesis with the highest score; NULL if all are 0';
COMMENT ON COLUMN compared_evidence.q_value IS 'p_value, adjusted over all names of the target (Benjamini and Hochberg)';
COMMENT ON COLUMN compared_evidence.verdict IS 'verified, refuted, untestable (its pictures do not show it) or ambiguous (too few pictures to tell)';
COMMENT ON COLUMN compared_evidence.reason IS 'Why, in words';

CREATE TABLE compared_truth (
    model VARCHAR NOT NULL, neuron INTEGER NOT NULL, concept VARCHAR NOT NULL, is_of_world BOOLEAN NOT NULL,
    n_scenes INTEGER NOT NULL, oracle_ar DOUBLE, oracle_f1 DOUBLE, shuffled_f1 DOUBLE, best_f1 DOUBLE, best_concept VARCHAR, oracle_true BOOLEAN NOT NULL,
    PRIMARY KEY (model, neuron, concept)
);
COMMENT ON TABLE compared_truth IS 'The same as in oracle_rates for the names that any method gives; without rows for other probe sets than the embedded world''s';
COMMENT ON COLUMN compared_truth.model IS 'Target';
COMMENT ON COLUMN compared_truth.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN compared_truth.concept IS 'Name';
COMMENT ON COLUMN compared_truth.is_of_world IS 'The name says something that scenes can show';
COMMENT ON COLUMN compared_truth.n_scenes IS 'Scenes rendered for the name; 0 for one that says nothing';
COMMENT ON COLUMN compared_truth.oracle_ar IS 'Share of these scenes above the threshold (Eq. 4); NULL for a name that says nothing';
COMMENT ON COLUMN compared_truth.oracle_f1 IS 'F1 of "among the neuron''s k strongest scenes" against "shows it", on scenes without bias of which k show it; NULL if none does';
COMMENT ON COLUMN compared_truth.shuffled_f1 IS 'The largest such F1 when the scenes are shuffled: what chance gives; NULL if no scene shows it';
COMMENT ON COLUMN compared_truth.best_f1 IS 'The neuron''s largest oracle_f1 over the concept set; NULL if the whole set names nothing';
COMMENT ON COLUMN compared_truth.best_concept IS 'The concept that has it; NULL if the whole set names nothing';
COMMENT ON COLUMN compared_truth.oracle_true IS 'oracle_f1 is at least half of best_f1 and above shuffled_f1: the name is true';

CREATE TABLE method_comparison (
    model VARCHAR NOT NULL, explainer VARCHAR NOT NULL, n_neurons INTEGER NOT NULL, n_named INTEGER NOT NULL,
    coverage DOUBLE NOT NULL, mean_ar DOUBLE NOT NULL, mean_ar_low DOUBLE NOT NULL, mean_ar_high DOUBLE NOT NULL,
    kept_coverage DOUBLE NOT NULL, kept_ar DOUBLE, kept_ar_low DOUBLE, kept_ar_high DOUBLE,
    verified_coverage DOUBLE NOT NULL, verified_ar DOUBLE, verified_ar_low DOUBLE, verified_ar_high DOUBLE,
    equal_coverage DOUBLE, equal_ar DOUBLE, sieve_equal_ar DOUBLE,
    curve_coverage DOUBLE[] NOT NULL, curve_ar DOUBLE[] NOT NULL,
    true_first DOUBLE, true_kept DOUBLE, true_verified DOUBLE, recall_first DOUBLE, recall_verified DOUBLE,
    PRIMARY KEY (model, explainer)
);
COMMENT ON TABLE method_comparison IS 'Every method''s names of a target by the same verifier and the same filters (docs/method.md, section 3); the truth where it is known';
COMMENT ON COLUMN method_comparison.model IS 'Target';
COMMENT ON COLUMN method_comparison.explainer IS 'Method';
COMMENT ON COLUMN method_comparison.n_neurons IS 'Neurons of the target';
COMMENT ON COLUMN method_comparison.n_named IS 'Neurons that the method names';
COMMENT ON COLUMN method_comparison.coverage IS 'Their share';
COMMENT ON COLUMN method_comparison.mean_ar IS 'Mean AR of its first name for each of them';
COMMENT ON COLUMN method_comparison.mean_ar_low IS 'Lower end of the bootstrap interval over neurons';
COMMENT ON COLUMN method_comparison.mean_ar_high IS 'Upper end of the bootstrap interval over neurons';
COMMENT ON COLUMN method_comparison.kept_coverage IS 'Share of the neurons whose first name is not below mean_ar: the paper''s filter, the same for every method';
COMMENT ON COLUMN method_comparison.kept_ar IS 'Mean AR of these';
COMMENT ON COLUMN method_comparison.kept_ar_low IS 'Lower end of its interval';
COMMENT ON COLUMN method_comparison.kept_ar_high IS 'Upper end of its interval';
COMMENT ON COLUMN method_comparison.verified_coverage IS 'Share of the neurons that have a verified name of the method';
COMMENT ON COLUMN method_comparison.verified_ar IS 'Mean AR of the chosen one of each, over the pictures that did not decide; NULL without any, as the next two';
COMMENT ON COLUMN method_comparison.verified_ar_low IS 'Lower end of its interval';
COMMENT ON COLUMN method_comparison.verified_ar_high IS 'Upper end of its interval';
COMMENT ON COLUMN method_comparison.equal_coverage IS 'Share of the neurons that both the method and SIEVE''s verified names reach; NULL without any, as the next two';
COMMENT ON COLUMN method_comparison.equal_ar IS 'The method''s mean AR there, over the pictures that did not decide';
COMMENT ON COLUMN method_comparison.sieve_equal_ar IS 'That of SIEVE''s verified names there';
COMMENT ON COLUMN method_comparison.curve_coverage IS 'Coverage as neurons come in, the best first by the pictures that decide';
COMMENT ON COLUMN method_comparison.curve_ar IS 'Mean AR so far, over the other pictures';
COMMENT ON COLUMN method_comparison.true_first IS 'Share of true names among the first ones; NULL where nothing is known, as the following';
COMMENT ON COLUMN method_comparison.true_kept IS 'Among those that the paper''s filter keeps';
COMMENT ON COLUMN method_comparison.true_verified IS 'Among the chosen verified ones';
COMMENT ON COLUMN method_comparison.recall_first IS 'Share of the neurons that any judged name is true of (the truest word always is judged), whose first name is true';
COMMENT ON COLUMN method_comparison.recall_verified IS 'Of these, the share whose chosen verified name is true';

CREATE TABLE score_truth (
    model VARCHAR NOT NULL, labels VARCHAR NOT NULL, score VARCHAR NOT NULL, n_names INTEGER NOT NULL, n_true INTEGER NOT NULL,
    auroc DOUBLE, auroc_low DOUBLE, auroc_high DOUBLE,
    PRIMARY KEY (model, labels, score)
);
COMMENT ON TABLE score_truth IS 'How well each number tells true names from others, where the truth is known (docs/method.md, section 5)';
COMMENT ON COLUMN score_truth.model IS 'Target';
COMMENT ON COLUMN score_truth.labels IS 'Whose names: words of the concept set by any method with the controls, without them, phrases beyond the concept set, or one method''s';
COMMENT ON COLUMN score_truth.score IS 'Column of compared_evidence; "verdict" is 1 for verified names and 0 for others';
COMMENT ON COLUMN score_truth.n_names IS 'Names, each once a neuron';
COMMENT ON COLUMN score_truth.n_true IS 'True ones';
COMMENT ON COLUMN score_truth.auroc IS 'Chance that a true name has the higher value; NULL if all are true, or none is';
COMMENT ON COLUMN score_truth.auroc_low IS 'Lower end of the bootstrap interval over neurons';
COMMENT ON COLUMN score_truth.auroc_high IS 'Upper end of the bootstrap interval over neurons';

CREATE TABLE ablation (
    model VARCHAR NOT NULL, place INTEGER NOT NULL, variant VARCHAR NOT NULL, explainer VARCHAR NOT NULL,
    has_select BOOLEAN NOT NULL, has_clusters BOOLEAN NOT NULL, has_crops BOOLEAN NOT NULL, has_verify BOOLEAN NOT NULL,
    coverage DOUBLE NOT NULL, mean_ar DOUBLE NOT NULL, mean_ar_low DOUBLE NOT NULL, mean_ar_high DOUBLE NOT NULL,
    verified_coverage DOUBLE NOT NULL, verified_ar DOUBLE, verified_ar_low DOUBLE, verified_ar_high DOUBLE,
    true_share DOUBLE, true_verified DOUBLE,
    PRIMARY KEY (model, variant)
);
COMMENT ON TABLE ablation IS 'What each step of SIEVE adds, as Table 4 of the paper: a selection of method_comparison';
COMMENT ON COLUMN ablation.model IS 'Target';
COMMENT ON COLUMN ablation.place IS 'Order of reports, from 0';
COMMENT ON COLUMN ablation.variant IS 'SIEVE, or what it is without';
COMMENT ON COLUMN ablation.explainer IS 'Whose names these are, as in method_comparison';
COMMENT ON COLUMN ablation.has_select IS 'Only neurons of high contrast are named';
COMMENT ON COLUMN ablation.has_clusters IS 'A neuron''s patches are named cluster by cluster, not all as one';
COMMENT ON COLUMN ablation.has_crops IS 'Patches are named, not whole images; of a neuron that Select drops there are none, so its whole images are';
COMMENT ON COLUMN ablation.has_verify IS 'Names whose AR is below the mean are left out: the paper''s filter';
COMMENT ON COLUMN ablation.coverage IS 'Share of the neurons with a first name left';
COMMENT ON COLUMN ablation.mean_ar IS 'Mean AR of these names';
COMMENT ON COLUMN ablation.mean_ar_low IS 'Lower end of the bootstrap interval over neurons';
COMMENT ON COLUMN ablation.mean_ar_high IS 'Upper end of the bootstrap interval over neurons';
COMMENT ON COLUMN ablation.verified_coverage IS 'Share of the neurons with a name that is verified by evidence, whatever the paper''s filter says';
COMMENT ON COLUMN ablation.verified_ar IS 'Mean AR of the chosen one of each, over the pictures that did not decide; NULL without any, as the next two';
COMMENT ON COLUMN ablation.verified_ar_low IS 'Lower end of its interval';
COMMENT ON COLUMN ablation.verified_ar_high IS 'Upper end of its interval';
COMMENT ON COLUMN ablation.true_share IS 'Share of true names among those of mean_ar; NULL where nothing is known, as the next one';
COMMENT ON COLUMN ablation.true_verified IS 'Among the chosen verified ones';

CREATE TABLE beta_sweep (
    model VARCHAR NOT NULL, beta DOUBLE NOT NULL, rule VARCHAR NOT NULL, is_own BOOLEAN NOT NULL,
    n_neurons INTEGER NOT NULL, n_selected INTEGER NOT NULL, coverage DOUBLE NOT NULL,
    n_names INTEGER NOT NULL, names_ar DOUBLE, names_ar_low DOUBLE, names_ar_high DOUBLE,
    n_kept_names INTEGER NOT NULL, kept_names_ar DOUBLE, kept_names_ar_low DOUBLE, kept_names_ar_high DOUBLE,
    mean_ar DOUBLE, mean_ar_low DOUBLE, mean_ar_high DOUBLE,
    kept_coverage DOUBLE NOT NULL, kept_ar DOUBLE, kept_ar_low DOUBLE, kept_ar_high DOUBLE,
    verified_coverage DOUBLE NOT NULL, verified_ar DOUBLE, verified_ar_low DOUBLE, verified_ar_high DOUBLE,
    true_names DOUBLE, true_kept_names DOUBLE, true_verified DOUBLE,
    PRIMARY KEY (model, beta)
);
COMMENT ON TABLE beta_sweep IS 'SIEVE at other thresholds, as Table 5 of the paper, from names that are stored of every neuron (docs/explainers.md)';
COMMENT ON COLUMN beta_sweep.model IS 'Target';
COMMENT ON COLUMN beta_sweep.beta IS 'Threshold that a neuron''s contrast must exceed';
COMMENT ON COLUMN beta_sweep.rule IS 'Which contrast: as in neuron_ratios';
COMMENT ON COLUMN beta_sweep.is_own IS 'The threshold is the study''s';
COMMENT ON COLUMN beta_sweep.n_neurons IS 'Neurons of the target';
COMMENT ON COLUMN beta_sweep.n_selected IS 'Those that the threshold selects';
COMMENT ON COLUMN beta_sweep.coverage IS 'Their share';
COMMENT ON COLUMN beta_sweep.n_names IS 'Their names; one that names several clusters of a neuron counts once';
COMMENT ON COLUMN beta_sweep.names_ar IS 'Mean AR of all these names; NULL without any, as all that follow';
COMMENT ON COLUMN beta_sweep.names_ar_low IS 'Lower end of the bootstrap interval over neurons';
COMMENT ON COLUMN beta_sweep.names_ar_high IS 'Upper end of the bootstrap interval over neurons';
COMMENT ON COLUMN beta_sweep.n_kept_names IS 'Names that are not below names_ar: the paper''s filter';
COMMENT ON COLUMN beta_sweep.kept_names_ar IS 'Mean AR of these';
COMMENT ON COLUMN beta_sweep.kept_names_ar_low IS 'Lower end of its interval';
COMMENT ON COLUMN beta_sweep.kept_names_ar_high IS 'Upper end of its interval';
COMMENT ON COLUMN beta_sweep.mean_ar IS 'Mean AR of first names, one a neuron: as in method_comparison, like the columns up to verified_ar_high';
COMMENT ON COLUMN beta_sweep.mean_ar_low IS 'Lower end of its interval';
COMMENT ON COLUMN beta_sweep.mean_ar_high IS 'Upper end of its interval';
COMMENT ON COLUMN beta_sweep.kept_coverage IS 'Share of the neurons whose first name is not below mean_ar';
COMMENT ON COLUMN beta_sweep.kept_ar IS 'Mean AR of these';
COMMENT ON COLUMN beta_sweep.kept_ar_low IS 'Lower end of its interval';
COMMENT ON COLUMN beta_sweep.kept_ar_high IS 'Upper end of its interval';
COMMENT ON COLUMN beta_sweep.verified_coverage IS 'Share of the neurons with a name that is verified by evidence';
COMMENT ON COLUMN beta_sweep.verified_ar IS 'Mean AR of the chosen one of each, over the pictures that did not decide';
COMMENT ON COLUMN beta_sweep.verified_ar_low IS 'Lower end of its interval';
COMMENT ON COLUMN beta_sweep.verified_ar_high IS 'Upper end of its interval';
COMMENT ON COLUMN beta_sweep.true_names IS 'Share of true names among all; NULL where nothing is known, as the next two';
COMMENT ON COLUMN beta_sweep.true_kept_names IS 'Among those that the paper''s filter keeps';
COMMENT ON COLUMN beta_sweep.true_verified IS 'Among the chosen verified ones';
CREATE TABLE compared_classes (
    model VARCHAR NOT NULL, neuron INTEGER NOT NULL, concept VARCHAR NOT NULL, class_name VARCHAR NOT NULL,
    is_class_name BOOLEAN NOT NULL, clip_cos DOUBLE NOT NULL, clip_others DOUBLE, text_cos DOUBLE, text_others DOUBLE, text_model VARCHAR,
    PRIMARY KEY (model, neuron, concept)
);
COMMENT ON TABLE compared_classes IS 'Every method''s names of a network''s outputs against what their classes are called (docs/explainers.md); without rows where neurons are no classes';
COMMENT ON COLUMN compared_classes.model IS 'Target';
COMMENT ON COLUMN compared_classes.neuron IS 'Output of the network, and number of the class';
COMMENT ON COLUMN compared_classes.concept IS 'Name';
COMMENT ON COLUMN compared_classes.class_name IS 'What the class is called, with all names that it lists';
COMMENT ON COLUMN compared_classes.is_class_name IS 'The name is one of these';
COMMENT ON COLUMN compared_classes.clip_cos IS 'Cosine of the name and class_name by the vision-language model''s texts';
COMMENT ON COLUMN compared_classes.clip_others IS 'Mean cosine of the name and all other classes: what no knowledge gives; NULL if there is no other';
COMMENT ON COLUMN compared_classes.text_cos IS 'As clip_cos by the sentence model; NULL without one, as the next two';
COMMENT ON COLUMN compared_classes.text_others IS 'As clip_others by the sentence model';
COMMENT ON COLUMN compared_classes.text_model IS 'The sentence model, as the study calls it';

CREATE TABLE class_agreement (
    model VARCHAR NOT NULL, explainer VARCHAR NOT NULL, chosen VARCHAR NOT NULL CHECK (chosen IN ('first', 'kept', 'verified')),
    n_neurons INTEGER NOT NULL, n_named INTEGER NOT NULL, coverage DOUBLE NOT NULL,
    clip_cos DOUBLE, clip_cos_low DOUBLE, clip_cos_high DOUBLE, clip_others DOUBLE,
    text_cos DOUBLE, text_cos_low DOUBLE, text_cos_high DOUBLE, text_others DOUBLE,
    same_share DOUBLE, text_model VARCHAR,
    PRIMARY KEY (model, explainer, chosen)
);
COMMENT ON TABLE class_agreement IS 'How near every method''s names of a network''s outputs are to those of their classes, one name a neuron (docs/explainers.md)';
COMMENT ON COLUMN class_agreement.model IS 'Target';
COMMENT ON COLUMN class_agreement.explainer IS 'Method';
COMMENT ON COLUMN class_agreement.chosen IS 'first: the method''s first name of each neuron; kept: those of them that the paper''s filter keeps; verified: the chosen verified name';
COMMENT ON COLUMN class_agreement.n_neurons IS 'Neurons of the target, which are its classes';
COMMENT ON COLUMN class_agreement.n_named IS 'Neurons that have such a name';
COMMENT ON COLUMN class_agreement.coverage IS 'Their share';
COMMENT ON COLUMN class_agreement.clip_cos IS 'Mean cosine of name and class by the vision-language model; NULL without any, as the following';
COMMENT ON COLUMN class_agreement.clip_cos_low IS 'Lower end of the bootstrap interval over neurons';
COMMENT ON COLUMN class_agreement.clip_cos_high IS 'Upper end of the bootstrap interval over neurons';
COMMENT ON COLUMN class_agreement.clip_others IS 'Mean cosine of the same names and all other classes: what no knowledge gives';
COMMENT ON COLUMN class_agreement.text_cos IS 'As clip_cos by the sentence model; NULL without one, as the next three';
COMMENT ON COLUMN class_agreement.text_cos_low IS 'Lower end of its interval';
COMMENT ON COLUMN class_agreement.text_cos_high IS 'Upper end of its interval';
COMMENT ON COLUMN class_agreement.text_others IS 'As clip_others by the sentence model';
COMMENT ON COLUMN class_agreement.same_share IS 'Share of the names that are the class''s own, case aside';
COMMENT ON COLUMN class_agreement.text_model IS 'The sentence model, as the study calls it; NULL without one';

CREATE TABLE neuron_ablation (
    model VARCHAR NOT NULL, neuron INTEGER NOT NULL, measure VARCHAR NOT NULL CHECK (measure IN ('accuracy', 'logit')), place INTEGER NOT NULL,
    class_position INTEGER NOT NULL, label VARCHAR NOT NULL, n_images INTEGER NOT NULL, accuracy DOUBLE NOT NULL,
    n_lost INTEGER NOT NULL, n_won INTEGER NOT NULL, accuracy_drop DOUBLE NOT NULL, logit_drop DOUBLE NOT NULL,
    held_at FLOAT NOT NULL, made_by VARCHAR NOT NULL, n_labelled INTEGER NOT NULL, accuracy_of_all DOUBLE NOT NULL, drop_of_all DOUBLE NOT NULL,
    concept VARCHAR, concept_share DOUBLE, others_share DOUBLE,
    PRIMARY KEY (model, neuron, measure, place)
);
COMMENT ON TABLE neuron_ablation IS 'The classes that lose most when a neuron is held at a value (docs/explainers.md); without rows where no probe image has a known class';
COMMENT ON COLUMN neuron_ablation.model IS 'Target';
COMMENT ON COLUMN neuron_ablation.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN neuron_ablation.measure IS 'By which drop the classes are ordered: accuracy_drop or logit_drop';
COMMENT ON COLUMN neuron_ablation.place IS 'Place of the class among the neuron''s, the greatest drop first; only the one at 0 may lose nothing';
COMMENT ON COLUMN neuron_ablation.class_position IS 'The class''s output of the network';
COMMENT ON COLUMN neuron_ablation.label IS 'What the probe set calls the class';
COMMENT ON COLUMN neuron_ablation.n_images IS 'Probe images of the class';
COMMENT ON COLUMN neuron_ablation.accuracy IS 'Share of them that the network as it is gets right';
COMMENT ON COLUMN neuron_ablation.n_lost IS 'Of them, right before and wrong with the neuron held';
COMMENT ON COLUMN neuron_ablation.n_won IS 'Of them, wrong before and right with the neuron held';
COMMENT ON COLUMN neuron_ablation.accuracy_drop IS '(n_lost - n_won) / n_images';
COMMENT ON COLUMN neuron_ablation.logit_drop IS 'How much lower the class''s logit is on its own images, in the mean (arbitrary units)';
COMMENT ON COLUMN neuron_ablation.held_at IS 'What the neuron''s activation is held at (arbitrary units)';
COMMENT ON COLUMN neuron_ablation.made_by IS 'linear head (from stored activations) or forward passes';
COMMENT ON COLUMN neuron_ablation.n_labelled IS 'Probe images whose class is known';
COMMENT ON COLUMN neuron_ablation.accuracy_of_all IS 'Share of them that the network as it is gets right';
COMMENT ON COLUMN neuron_ablation.drop_of_all IS 'How much of this is lost with the neuron held';
COMMENT ON COLUMN neuron_ablation.concept IS 'The neuron''s verified name by SIEVE with the highest score; NULL without one';
COMMENT ON COLUMN neuron_ablation.concept_share IS 'Share of the class''s probe images that show it; NULL where the truth is not known';
COMMENT ON COLUMN neuron_ablation.others_share IS 'The mean share that shows the names of the other neurons: chance; NULL but at place 0 of a class that loses';

CREATE TABLE domain_shift (
    model VARCHAR NOT NULL, neuron INTEGER NOT NULL, concept VARCHAR NOT NULL, probe VARCHAR NOT NULL, shifted_probe VARCHAR NOT NULL,
    verdict VARCHAR NOT NULL, activation_rate DOUBLE NOT NULL, threshold FLOAT NOT NULL, shown_by VARCHAR NOT NULL,
    n_shown INTEGER NOT NULL, recall DOUBLE, average_precision DOUBLE, top_share DOUBLE NOT NULL, firing_share DOUBLE NOT NULL,
    strongest_uris VARCHAR[] NOT NULL,
    shifted_n_shown INTEGER NOT NULL, shifted_recall DOUBLE, shifted_average_precision DOUBLE, shifted_top_share DOUBLE NOT NULL,
    shifted_firing_share DOUBLE NOT NULL, shifted_strongest_uris VARCHAR[] NOT NULL,
    PRIMARY KEY (model, neuron, concept)
);
COMMENT ON TABLE domain_shift IS 'SIEVE''s names on the probe images, on images of another kind and on pictures (docs/explainers.md); without rows for a target without such images';
COMMENT ON COLUMN domain_shift.model IS 'Target';
COMMENT ON COLUMN domain_shift.neuron IS 'Channel of the target''s layer';
COMMENT ON COLUMN domain_shift.concept IS 'Hypothesis';
COMMENT ON COLUMN domain_shift.probe IS 'The target''s own probe set';
COMMENT ON COLUMN domain_shift.shifted_probe IS 'The probe set of another kind';
COMMENT ON COLUMN domain_shift.verdict IS 'As in verdicts';
COMMENT ON COLUMN domain_shift.activation_rate IS 'AR on generated pictures (Eq. 4)';
COMMENT ON COLUMN domain_shift.threshold IS 'T_i on the own probe set: above it the neuron fires, on images of either kind';
COMMENT ON COLUMN domain_shift.shown_by IS 'Who says which images show the concept: known truth or vision-language model';
COMMENT ON COLUMN domain_shift.n_shown IS 'Own probe images that show the concept';
COMMENT ON COLUMN domain_shift.recall IS 'Share of them on which the neuron fires; NULL if none shows it';
COMMENT ON COLUMN domain_shift.average_precision IS 'Of the activation for "shows the concept" over the own probe images; NULL if none does';
COMMENT ON COLUMN domain_shift.top_share IS 'Share of the neuron''s strongest own probe images that show it';
COMMENT ON COLUMN domain_shift.firing_share IS 'Share of the own probe images on which the neuron fires';
COMMENT ON COLUMN domain_shift.strongest_uris IS 'Where the strongest own probe images are';
COMMENT ON COLUMN domain_shift.shifted_n_shown IS 'Images of the other kind that show the concept';
COMMENT ON COLUMN domain_shift.shifted_recall IS 'As recall, on images of the other kind';
COMMENT ON COLUMN domain_shift.shifted_average_precision IS 'As average_precision, on images of the other kind';
COMMENT ON COLUMN domain_shift.shifted_top_share IS 'As top_share, on images of the other kind';
COMMENT ON COLUMN domain_shift.shifted_firing_share IS 'As firing_share, on images of the other kind';
COMMENT ON COLUMN domain_shift.shifted_strongest_uris IS 'Where the strongest images of the other kind are';

CREATE TABLE target_reports (
    model VARCHAR NOT NULL, path VARCHAR NOT NULL, sha256 VARCHAR NOT NULL, n_bytes BIGINT NOT NULL,
    n_tables INTEGER NOT NULL, n_figures INTEGER NOT NULL,
    PRIMARY KEY (model, path)
);
COMMENT ON TABLE target_reports IS 'The files of each target''s report in the atlas (docs/atlas.md)';
COMMENT ON COLUMN target_reports.model IS 'Target';
COMMENT ON COLUMN target_reports.path IS 'Where the file is, in store/atlas';
COMMENT ON COLUMN target_reports.sha256 IS 'SHA-256 of the file''s content';
COMMENT ON COLUMN target_reports.n_bytes IS 'Its size';
COMMENT ON COLUMN target_reports.n_tables IS 'Tables on the page; 0 of a file that is no page, as the next';
COMMENT ON COLUMN target_reports.n_figures IS 'Figures on the page';

CREATE TABLE provenance (
    stage VARCHAR NOT NULL, model VARCHAR NOT NULL, neuron INTEGER NOT NULL, run_id VARCHAR NOT NULL,
    settings_hash VARCHAR NOT NULL, weights_hash VARCHAR, input_hash VARCHAR NOT NULL, output_hash VARCHAR NOT NULL,
    n_rows INTEGER NOT NULL, recorded_at TIMESTAMP NOT NULL, seconds DOUBLE NOT NULL,
    PRIMARY KEY (stage, model, neuron)
);
COMMENT ON TABLE provenance IS 'What produced the rows of a stage''s table for one model and neuron';
COMMENT ON COLUMN provenance.stage IS 'Stage, and the table it writes';
COMMENT ON COLUMN provenance.model IS 'Target';
COMMENT ON COLUMN provenance.neuron IS 'Channel of the target''s layer; -1 for stages by model';
COMMENT ON COLUMN provenance.run_id IS 'Dagster run';
COMMENT ON COLUMN provenance.settings_hash IS 'SHA-256 of the settings the stage depends on';
COMMENT ON COLUMN provenance.weights_hash IS 'SHA-256 of the models the stage ran; NULL if it ran none';
COMMENT ON COLUMN provenance.input_hash IS 'SHA-256 over the output hashes the stage read';
COMMENT ON COLUMN provenance.output_hash IS 'SHA-256 of the rows it wrote';
COMMENT ON COLUMN provenance.n_rows IS 'Rows it wrote';
COMMENT ON COLUMN provenance.recorded_at IS 'When they were written (UTC)';
COMMENT ON COLUMN provenance.seconds IS 'Time the stage took for this model and neuron (s)';

CREATE TABLE recipes (
    stage VARCHAR NOT NULL, settings_hash VARCHAR NOT NULL, weights_hash VARCHAR NOT NULL, said VARCHAR NOT NULL,
    PRIMARY KEY (stage, settings_hash, weights_hash)
);
COMMENT ON TABLE recipes IS 'What the hashes of provenance stand for, so that a change can be told in words';
COMMENT ON COLUMN recipes.stage IS 'Stage';
COMMENT ON COLUMN recipes.settings_hash IS 'As in provenance';
COMMENT ON COLUMN recipes.weights_hash IS 'As in provenance; empty if the stage ran no model';
COMMENT ON COLUMN recipes.said IS 'JSON: the code''s version, every setting and every model by name';

CREATE TABLE failures (
    stage VARCHAR NOT NULL, model VARCHAR NOT NULL, neuron INTEGER NOT NULL, run_id VARCHAR NOT NULL,
    reason VARCHAR NOT NULL, failed_at TIMESTAMP NOT NULL,
    PRIMARY KEY (stage, model, neuron)
);
COMMENT ON TABLE failures IS 'Neurons for which the last try of a stage failed, or gave what cannot be relied on; what follows leaves them out';
COMMENT ON COLUMN failures.stage IS 'Stage';
COMMENT ON COLUMN failures.model IS 'Target';
COMMENT ON COLUMN failures.neuron IS 'Channel of the target''s layer; -1 for stages by model';
COMMENT ON COLUMN failures.run_id IS 'Dagster run that failed';
COMMENT ON COLUMN failures.reason IS 'What was expected, what came, and what to do';
COMMENT ON COLUMN failures.failed_at IS 'When (UTC)';

CREATE TABLE plans (
    model VARCHAR NOT NULL, made_at TIMESTAMP NOT NULL, n_scenes_before BIGINT NOT NULL,
    PRIMARY KEY (model, made_at)
);
COMMENT ON TABLE plans IS 'Plans of what a run would do, made before it, with what tells what has happened since';
COMMENT ON COLUMN plans.model IS 'Target';
COMMENT ON COLUMN plans.made_at IS 'When (UTC); plans of one moment belong together';
COMMENT ON COLUMN plans.n_scenes_before IS 'Scenes that the target had in scene_activations';

CREATE TABLE planned_work (
    model VARCHAR NOT NULL, made_at TIMESTAMP NOT NULL, stage VARCHAR NOT NULL, quantity VARCHAR NOT NULL, place INTEGER NOT NULL,
    expected DOUBLE NOT NULL, most DOUBLE NOT NULL,
    basis VARCHAR NOT NULL CHECK (basis IN ('counted', 'estimated', 'at most')),
    PRIMARY KEY (model, made_at, stage, quantity)
);
COMMENT ON TABLE planned_work IS 'What each plan said, one row a stage and quantity';
COMMENT ON COLUMN planned_work.model IS 'Target';
COMMENT ON COLUMN planned_work.made_at IS 'As in plans';
COMMENT ON COLUMN planned_work.stage IS 'Stage';
COMMENT ON COLUMN planned_work.quantity IS 'What is counted: partitions, forward passes, pictures to draw, bytes, seconds, …';
COMMENT ON COLUMN planned_work.place IS 'Order within the plan';
COMMENT ON COLUMN planned_work.expected IS 'How much was to be expected';
COMMENT ON COLUMN planned_work.most IS 'What it could not exceed';
COMMENT ON COLUMN planned_work.basis IS 'counted: exactly so much; estimated: from a sample or earlier results; at most: so much if it was done at all';
